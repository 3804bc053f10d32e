"""Limits of a child process: memory, processor time, and its parent's life."""

import ctypes
import os
import resource
import signal
import sys
import threading
import time

_PR_SET_PDEATHSIG = 1
_WATCH_SECONDS = 1.0


def limit(memory_mib: int, cpu_seconds: int) -> None:
    """Bound this process: past its memory allocations fail, past its time it is killed."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    _lower(resource.RLIMIT_CPU, cpu_seconds)
    # Darwin has the constant and refuses to set it.
    if sys.platform == "linux":
        _lower(resource.RLIMIT_AS, memory_mib * 1024 * 1024)


def _lower(kind: int, value: int) -> None:
    hard = resource.getrlimit(kind)[1]
    bounded = value if hard == resource.RLIM_INFINITY else min(value, hard)
    resource.setrlimit(kind, (bounded, bounded))


def die_with_parent(parent: int) -> None:
    """End this process when process `parent` ends, even by SIGKILL."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    # The parent may have died before that call, and other systems have no such signal.
    if os.getppid() != parent:
        os._exit(1)
    threading.Thread(target=_watch, args=(parent,), daemon=True).start()


def _watch(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(_WATCH_SECONDS)
    os._exit(1)
