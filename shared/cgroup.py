"""What the control group of this process leaves it: processors and memory (Linux; pure reading).

A container's limits are not the machine's: `os.cpu_count` and the machine's memory say nothing of
them.
"""

import math
import os
from pathlib import Path

_ROOT, _MEMBERSHIP = Path("/sys/fs/cgroup"), Path("/proc/self/cgroup")
# A limit of version 1 that is none: nearly 2^63.
_NO_LIMIT = 2**60
# Controllers that are looked at; version 2 has one group for all of them, without a name.
_LIMITING = {"cpu", "memory", ""}


def processors(root: Path = _ROOT, membership: Path = _MEMBERSHIP) -> int:
    """Return how many processors may be busy at a time; at least 1.

    The smallest of the processors that the process may run on and the quotas of its group and of
    those above it, rounded up.
    """
    affinity = getattr(os, "sched_getaffinity", None)
    found = float(len(affinity(0)) if affinity else os.cpu_count() or 1)
    for folder in _folders(root, membership):
        found = min(found, _quota(folder))
    return max(1, math.ceil(found))


def memory_bytes(root: Path = _ROOT) -> int | None:
    """Return how much memory the group may take; None where there is no limit."""
    limits = [
        limit
        for folder in _folders(root, _MEMBERSHIP)
        for name in ("memory.max", "memory.limit_in_bytes")
        if (limit := _number(folder / name)) is not None and limit < _NO_LIMIT
    ]
    return min(limits, default=None)


def _folders(root: Path, membership: Path) -> list[Path]:
    """Return the folders of the process's groups and of those above them."""
    try:
        lines = membership.read_text().splitlines()
    except OSError:
        lines = []
    found = [root, root / "cpu", root / "memory"]
    for line in lines:
        _, controllers, path = line.split(":", 2)
        kinds = _LIMITING.intersection(controllers.split(","))
        inner = [part for part in path.split("/") if part not in ("", "..")]
        # Controllers of version 1 may be mounted together, by all of their names.
        for kind in {*kinds, controllers} if kinds else ():
            place = root.joinpath(kind, *inner)
            found += [one for one in (place, *place.parents) if one.is_relative_to(root)]
    # In a container the group is the root of what is mounted.
    return [folder for folder in dict.fromkeys(found) if folder.is_dir()]


def _quota(folder: Path) -> float:
    """Return the processors that a group may use; infinite without a limit."""
    try:
        quota, period = (folder / "cpu.max").read_text().split()
        return math.inf if quota == "max" else int(quota) / int(period)
    except (OSError, ValueError, ZeroDivisionError):
        used, of = _number(folder / "cpu.cfs_quota_us"), _number(folder / "cpu.cfs_period_us")
        return used / of if used and of and used > 0 else math.inf


def _number(file: Path) -> int | None:
    try:
        return int(file.read_text())
    except (OSError, ValueError):
        return None
