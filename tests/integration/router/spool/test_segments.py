"""Segments on a real disk: torn lines, failed writes, restarts."""

import resource
from pathlib import Path

import pytest

from services.router.disk import Slot
from services.router.spool.segments import SEGMENT_LINES, Segments, append_durably


def test_lines_come_back_in_order(tmp_path: Path) -> None:
    segments = Segments(tmp_path)
    paths = {segments.append([b"1\n", b"2\n"]), segments.append([b"3\n"])}
    assert len(paths) == 1
    assert segments.sealed() == []
    segments.seal()
    (path,) = segments.sealed()
    assert path.read_bytes() == b"1\n2\n3\n"


def test_a_restart_never_writes_behind_a_torn_line(tmp_path: Path) -> None:
    first = Segments(tmp_path)
    path = first.append([b"whole\n"])
    with path.open("ab") as file:
        file.write(b"torn")
    second = Segments(tmp_path)
    newer = second.append([b"new\n"])
    assert newer > path
    assert (path.read_bytes(), newer.read_bytes()) == (b"whole\ntorn", b"new\n")
    assert second.sealed() == [path]


def test_a_full_segment_is_followed_by_a_new_one(tmp_path: Path) -> None:
    segments = Segments(tmp_path)
    first = segments.append([b"x\n"] * SEGMENT_LINES)
    second = segments.append([b"y\n"])
    assert second > first


def test_a_write_that_fails_half_way_leaves_nothing_behind(tmp_path: Path) -> None:
    segments = Segments(tmp_path)
    path = segments.append([b"kept\n"])
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (8, limits[1]))
    try:
        with pytest.raises(OSError, match="too large"):
            segments.append([b"0123456789\n"])
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    newer = segments.append([b"later\n"])
    assert path.read_bytes() == b"kept\n"
    assert newer.read_bytes() == b"later\n"


def test_adopted_segments_come_behind_our_own(tmp_path: Path) -> None:
    dead = Slot.take(tmp_path)
    Segments(dead.folder).append([b"theirs\n"])
    mine = Slot.take(tmp_path)
    segments = Segments(mine.folder)
    segments.append([b"ours\n"])
    dead.close()
    segments.adopt(tmp_path)
    content = [path.read_bytes() for path in segments.sealed()]
    assert content == [b"ours\n", b"theirs\n"]
    assert list(Slot.abandoned(tmp_path, "[0-9]*.jsonl")) == []
    mine.close()


def test_what_is_appended_begins_a_line_of_its_own_behind_a_torn_one(tmp_path: Path) -> None:
    path = tmp_path / "letters"
    append_durably(path, [b"1\n"])
    with path.open("ab") as file:
        file.write(b"torn")
    append_durably(path, [b"2\n", b"3\n"])
    assert path.read_bytes() == b"1\ntorn\n2\n3\n"
