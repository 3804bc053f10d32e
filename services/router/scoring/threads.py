"""How many CPUs this process may really use: its affinity and its cgroup's quota."""

import math
import os
from collections.abc import Iterator
from pathlib import Path

CGROUP_ROOT = Path("/sys/fs/cgroup")
CGROUP_OF_PROCESS = Path("/proc/self/cgroup")


def available_cpus(root: Path = CGROUP_ROOT, membership: Path = CGROUP_OF_PROCESS) -> int:
    """Return the number of CPUs, at least 1: a container with two of 64 gets two threads."""
    quotas = [
        quota
        for group in _groups(root, membership)
        if (quota := _quota_v2(group) or _quota_v1(group)) is not None
    ]
    return max(1, min(len(os.sched_getaffinity(0)), *(math.ceil(quota) for quota in quotas), 1024))


def threads_per_worker(workers: int) -> int:
    """Return the CPUs that each of `workers` processes may use, at least 1."""
    return max(1, available_cpus() // workers)


def _groups(root: Path, membership: Path) -> Iterator[Path]:
    """Folders of the process's cgroup and its parents, v2 and v1, nearest first."""
    try:
        lines = membership.read_text().splitlines()
    except OSError:
        lines = []
    for line in lines:
        _, controllers, path = line.split(":", 2)
        if controllers and "cpu" not in controllers.split(","):
            continue
        base = root / controllers if controllers else root
        parts = [part for part in path.split("/") if part not in ("", "..")]
        yield from (base.joinpath(*parts[:length]) for length in range(len(parts), -1, -1))
    yield root
    yield root / "cpu"


def _quota_v2(group: Path) -> float | None:
    try:
        quota, period = (group / "cpu.max").read_text().split()
        return None if quota == "max" else int(quota) / int(period)
    except (OSError, ValueError, ZeroDivisionError):
        return None


def _quota_v1(group: Path) -> float | None:
    try:
        quota = int((group / "cpu.cfs_quota_us").read_text())
        period = int((group / "cpu.cfs_period_us").read_text())
        return None if quota <= 0 else quota / period
    except (OSError, ValueError, ZeroDivisionError):
        return None
