"""The process of a run: a job in a folder in, a result or a fault out.

It is started as ``python -m MODULE FOLDER PARENT_PID``. Standard output says how far it is, one
JSON object a line; standard error is the log.
"""

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import orjson

from services.trainer.runs import files
from services.trainer.runs.files import AnyJob, Result
from shared.child_limits import die_with_parent, limit

_FAILED = 3


class JobRefused(Exception):  # noqa: N818 - named as the house names its problems
    """The job makes no version; the message says why, and `pointer` which place is at fault."""

    def __init__(self, detail: str, pointer: str = "") -> None:
        super().__init__(detail)
        self.pointer = pointer


def run_job(
    kind: type[AnyJob], work: Callable[[Path, AnyJob, list[dict[str, Any]]], Result]
) -> int:
    """Do `work` on the job in the folder of the command line; return the exit status."""
    folder, parent = Path(sys.argv[1]), int(sys.argv[2])
    die_with_parent(parent)
    job, rows = files.read_job(folder, kind)
    limit(job.memory_mib, job.cpu_seconds)
    try:
        files.write_result(folder, work(folder, job, rows))
    except JobRefused as refused:
        files.write_fault(folder, str(refused), refused.pointer)
        return _FAILED
    except MemoryError:
        detail = f"the run needs more than its {job.memory_mib} MiB of memory"
        files.write_fault(folder, detail, kind.blamed)
        return _FAILED
    report(1.0, "done")
    return 0


def report(progress: float, message: str) -> None:
    """Say that a share in [0, 1] is done, and in a few words what."""
    sys.stdout.buffer.write(orjson.dumps({"progress": progress, "message": message}) + b"\n")
    sys.stdout.buffer.flush()
