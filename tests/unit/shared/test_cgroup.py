"""What the control group leaves a process."""

import os
from pathlib import Path

import pytest

from shared import child_limits
from shared.cgroup import memory_bytes, processors
from shared.child_limits import memory_mib, thread_environment

ALL = len(os.sched_getaffinity(0))


@pytest.mark.parametrize(
    ("files", "cpus", "memory"),
    [
        ({}, None, None),
        ({"cpu.max": "max 100000", "memory.max": "max"}, None, None),
        ({"cpu.max": "50000 100000", "memory.max": "1073741824"}, 1, 2**30),
        ({"cpu/cpu.cfs_quota_us": "100000", "cpu/cpu.cfs_period_us": "100000"}, 1, None),
        ({"cpu/cpu.cfs_quota_us": "-1", "cpu/cpu.cfs_period_us": "100000"}, None, None),
        ({"memory/memory.limit_in_bytes": "9223372036854771712"}, None, None),
        ({"memory/memory.limit_in_bytes": "536870912"}, None, 2**29),
    ],
)
def test_limits_of_both_versions(
    tmp_path: Path, files: dict[str, str], cpus: int | None, memory: int | None
) -> None:
    unlimited = processors(tmp_path)
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text + "\n")
    assert processors(tmp_path) == (unlimited if cpus is None else cpus)
    assert memory_bytes(tmp_path) == memory


def test_here_there_is_a_processor() -> None:
    assert processors() >= 1


def test_children_get_as_many_threads_and_no_more_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    assert set(thread_environment().values()) == {str(processors())}
    monkeypatch.setattr(child_limits, "memory_bytes", lambda: None)
    assert memory_mib(8192) == 8192
    monkeypatch.setattr(child_limits, "memory_bytes", lambda: 2 * 2**30)
    assert memory_mib(8192) == 2048
    assert memory_mib(1024) == 1024
    monkeypatch.setattr(child_limits, "memory_bytes", lambda: 2**28)
    assert memory_mib(8192) == 1536


def cpus(root: Path, membership: str, files: dict[str, str]) -> int:
    """CPUs under a cgroup tree of `files`; a quota below one CPU shows on any machine."""
    for name, content in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)
    (root / "membership").write_text(membership)
    return processors(root, root / "membership")


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
def test_the_smallest_quota_of_a_group_and_those_above_it_counts(
    tmp_path: Path, membership: str, files: dict[str, str], expected: int
) -> None:
    assert cpus(tmp_path, membership, files) == expected


def test_without_cgroups_the_affinity_counts(tmp_path: Path) -> None:
    assert processors(tmp_path / "none", tmp_path / "none") == ALL
