"""Names of trainers, in leases and in the records of runs."""

import os
import socket
import uuid
from pathlib import Path

_NAMESPACE = Path("/proc/self/ns/pid")
# Names of trainers in this process: one that has our process id and is not here is a former one.
_HERE: set[str] = set()


def owner_name() -> str:
    """Name a trainer in this process: machine, process id, and a mark of this start."""
    name = f"{_machine()}:{os.getpid()}:{uuid.uuid4().hex}"
    _HERE.add(name)
    return name


def is_gone(owner: str) -> bool:
    """Say whether the process of this name has ended, as far as that can be seen from here."""
    machine, process = owner.split(":")[:2]
    if machine != _machine():
        return False
    if int(process) == os.getpid():
        return owner not in _HERE
    try:
        os.kill(int(process), 0)
    except ProcessLookupError:
        return True
    except PermissionError:
        pass
    return False


def _machine() -> str:
    """Name the machine and process namespace: containers may share a host name and process ids."""
    namespace = _NAMESPACE.stat().st_ino if _NAMESPACE.exists() else 0
    return f"{socket.gethostname()}/{namespace}"
