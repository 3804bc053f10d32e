"""The process of a run: it reads a job from a folder, and leaves a result or a fault there.

It is started as ``python -m MODULE FOLDER PARENT_PID``. Standard output says how far it is, one
JSON object a line; standard error is the log.
"""

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import orjson

from services.trainer.runs import files
from services.trainer.runs.files import AnyJob, Result, RunFailed
from shared.child_limits import die_with_parent, limit

_FAILED = 3


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
    except RunFailed as fault:
        files.write_fault(folder, fault)
        return _FAILED
    except MemoryError:
        detail = f"the run needs more than its {job.memory_mib} MiB of memory"
        files.write_fault(folder, RunFailed(detail))
        return _FAILED
    report(1.0, "done")
    return 0


def report(progress: float, message: str) -> None:
    """Report the progress, in [0, 1], and a few words about it."""
    sys.stdout.buffer.write(orjson.dumps({"progress": progress, "message": message}) + b"\n")
    sys.stdout.buffer.flush()
