"""Local segments of one log, named as they will be in the store, and rows that have no disk."""

import contextlib
import os
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from pathlib import Path

from isal import igzip

from services.router.disk import Slot, sync_folder, write_whole
from shared.contracts.base import new_id

SEGMENT_BYTES = 1024 * 1024
PATTERN = "*.jsonl"
# Empty files, named by the ids of the processes that acknowledge checkpoints for the slot.
REPLICA_SUFFIX = ".replica"
REPLICA_PATTERN = f"*{REPLICA_SUFFIX}"
# A trainer lists the folders of the last days alone.
_LATE_DAYS = 1
_SEPARATOR = "@"
_LEVEL = 1
# Of rows in memory, of each log, in each process.
HELD_BYTES = 32 * 1024 * 1024


@dataclass
class _Open:
    path: Path
    descriptor: int
    day: date
    size: int = 0


class LogSegments:
    """The segments in one slot. A file is named PROJECT@DAY@REPLICA-N.jsonl.

    REPLICA is a UUIDv7 of this run, so N is never used again and names sort by time.
    """

    def __init__(self, folder: Path, now: Callable[[], datetime]) -> None:
        self._folder = folder
        self._now = now
        self._replica = new_id().replace("-", "")
        self._count = 0
        self._open: dict[str, _Open] = {}

    def append(self, project: str, lines: bytes) -> bool:
        """Write rows with one write; say whether the segment is full.

        Raises `OSError`: none of them is kept here.
        """
        day = self._now().date()
        segment = self._open.get(project)
        if segment is None or segment.day != day:
            self._seal(project)
            path, flags = self.name(project), os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND
            segment = self._open[project] = _Open(path, os.open(path, flags, 0o600), day)
        try:
            write_whole(segment.descriptor, lines)
        except OSError:
            # What was written of them goes; if it does not, the torn line stays the last one.
            with contextlib.suppress(OSError):
                os.ftruncate(segment.descriptor, segment.size)
            self._seal(project)
            raise
        segment.size += len(lines)
        return segment.size >= SEGMENT_BYTES

    def seal(self) -> None:
        """Close every open segment: what follows goes to new ones."""
        for project in list(self._open):
            self._seal(project)

    def sealed(self) -> list[Path]:
        """Return the segments that will not grow any more, oldest first."""
        active = {segment.path for segment in self._open.values()}
        paths = (path for path in self._folder.glob(PATTERN) if path not in active)
        return sorted(map(self._dated, paths), key=lambda path: path.name.rpartition(_SEPARATOR)[2])

    def _dated(self, path: Path) -> Path:
        """Move a segment that is shipped more than a day late to the present day."""
        project, day, name = path.name.split(_SEPARATOR)
        today = self._now().date()
        if day >= (today - timedelta(days=_LATE_DAYS)).isoformat():
            return path
        return path.rename(path.with_name(_SEPARATOR.join([project, today.isoformat(), name])))

    def adopt(self, root: Path) -> None:
        """Move what lies in the abandoned slots under `root` here; files keep their names."""
        for slot in Slot.abandoned(root, "*.*"):
            # An id last: its document may be removed once the segments beside it are shipped.
            for pattern in (PATTERN, REPLICA_PATTERN):
                for path in slot.folder.glob(pattern):
                    path.rename(self._folder / path.name)
            sync_folder(self._folder)

    def name(self, project: str) -> Path:
        """Return the path of a new segment of today; no two have the same."""
        day = self._now().date()
        self._count += 1
        name = _SEPARATOR.join([project, day.isoformat(), f"{self._replica}-{self._count:08}"])
        return self._folder / f"{name}.jsonl"

    def _seal(self, project: str) -> None:
        segment = self._open.pop(project, None)
        if segment is not None:
            os.close(segment.descriptor)


def place_of(segment: Path, prefix: Callable[[str], str]) -> tuple[str, str]:
    """Return a segment's project, and its path in the store; `prefix` gives a project's folder."""
    project, day, name = segment.stem.split(_SEPARATOR)
    return project, f"{prefix(project)}/{day}/{name}.jsonl.gz"


def packed(segment: Path) -> bytes:
    """Return the segment's complete lines, compressed; the same segment gives the same bytes."""
    return compressed(segment.read_bytes())


def compressed(content: bytes | bytearray) -> bytes:
    """Return the complete lines of `content`, compressed."""
    # zlib takes thirteen times as long for the same size, of a core that the router answers on.
    return igzip.compress(content[: content.rfind(b"\n") + 1], compresslevel=_LEVEL, mtime=0)


@dataclass
class HeldSegment:
    """Lines under the name of a segment: the same name again writes the same object again."""

    project: str
    path: Path
    lines: bytearray = field(default_factory=bytearray)


class HeldRows:
    """At most `limit_bytes` of rows; what comes then is lost."""

    def __init__(self, limit_bytes: int = HELD_BYTES) -> None:
        self._limit_bytes = limit_bytes
        self._growing: dict[str, HeldSegment] = {}
        self._sealed: list[HeldSegment] = []
        self.size = 0

    def add(self, project: str, lines: bytes, name: Callable[[str], Path]) -> bool:
        """Hold the rows of one call; False, and none held, when there is no room."""
        if self.size + len(lines) > self._limit_bytes:
            return False
        if project not in self._growing:
            self._growing[project] = HeldSegment(project, name(project))
        self._growing[project].lines += lines
        self.size += len(lines)
        return True

    def sealed(self) -> list[HeldSegment]:
        """Return what is held: it no longer grows; what comes is held under new names."""
        self._sealed += self._growing.values()
        self._growing.clear()
        return self._sealed.copy()

    def release(self, segment: HeldSegment) -> None:
        """Let go of rows that are safe elsewhere."""
        self._sealed.remove(segment)
        self.size -= len(segment.lines)
