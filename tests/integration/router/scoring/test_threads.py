"""CPUs that a container may really use."""

import os
from pathlib import Path

import pytest

from services.router.scoring.threads import available_cpus

ALL = len(os.sched_getaffinity(0))


def cpus(root: Path, membership: str, files: dict[str, str]) -> int:
    """CPUs under a cgroup tree of `files`; a quota below one CPU shows on any machine."""
    for name, content in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)
    (root / "membership").write_text(membership)
    return available_cpus(root, root / "membership")


@pytest.mark.parametrize(
    ("membership", "files", "expected"),
    [
        ("0::/\n", {"cpu.max": "50000 100000\n"}, 1),
        ("0::/\n", {"cpu.max": "max 100000\n"}, ALL),
        ("0::/a/b\n", {"a/cpu.max": "100000 100000\n", "a/b/cpu.max": "max 100000\n"}, 1),
        ("0::/../x\n", {"cpu.max": "90000 100000"}, 1),
        (
            "4:cpu,cpuacct:/d\n",
            {
                "cpu,cpuacct/d/cpu.cfs_quota_us": "50000",
                "cpu,cpuacct/d/cpu.cfs_period_us": "100000",
            },
            1,
        ),
        ("4:cpu:/d\n", {"cpu/cpu.cfs_quota_us": "-1", "cpu/cpu.cfs_period_us": "100000"}, ALL),
        ("0::/\n", {"cpu.max": "nonsense"}, ALL),
        ("0::/\n", {}, ALL),
        ("0::/\n", {"cpu.max": f"{(ALL + 1) * 100_000} 100000"}, ALL),
    ],
)
def test_the_smallest_quota_counts(
    tmp_path: Path, membership: str, files: dict[str, str], expected: int
) -> None:
    assert cpus(tmp_path, membership, files) == expected


def test_without_cgroups_the_affinity_counts(tmp_path: Path) -> None:
    assert available_cpus(tmp_path / "none", tmp_path / "none") == ALL
