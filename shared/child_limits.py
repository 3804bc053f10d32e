"""Limits of a child process: memory, threads, processor time, and its parent's life."""

import contextlib
import ctypes
import os
import resource
import signal
import sys
import threading
import time
from pathlib import Path

from shared.cgroup import memory_bytes, processors

_PR_SET_PDEATHSIG = 1
_WATCH_SECONDS = 1.0
# Libraries alone take some 700 MiB of address space, most of it never memory.
_LEAST_MIB = 1536
_FIRST_TO_GO = "1000"
# OpenMP, and the linear algebra that NumPy and SciPy may be built with.
_THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "BLIS_NUM_THREADS")


def memory_mib(wanted: int) -> int:
    """Return the address space that a child gets: `wanted`, or what the container has if less.

    So a child that takes too much fails with a reason, before the kernel ends something else.
    """
    group = memory_bytes()
    return wanted if group is None else min(wanted, max(group // 2**20, _LEAST_MIB))


def thread_environment() -> dict[str, str]:
    """Return variables that bound a child's threads to the processors that the container has."""
    return dict.fromkeys(_THREADS, str(processors()))


def limit(memory_mib: int, cpu_seconds: int) -> None:
    """Bound this process: past its memory allocations fail, past its time it is killed."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    _lower(resource.RLIMIT_CPU, cpu_seconds)
    # Darwin has the constant and refuses to set it.
    if sys.platform == "linux":
        _lower(resource.RLIMIT_AS, memory_mib * 1024 * 1024)
        # Where the container has no more memory, the kernel ends this process, not its parent.
        with contextlib.suppress(OSError):
            Path("/proc/self/oom_score_adj").write_text(_FIRST_TO_GO)


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
