"""Append-only files of lines, written through: the disk side of the spool. One thread at a time.

A segment that was sealed is never written again. After a crash the next append opens a new one,
so a torn last line stays the last.
"""

import contextlib
import os
from collections.abc import Sequence
from pathlib import Path

from services.router.disk import Slot, sync_folder, write_whole

SEGMENT_LINES = 1000
SEGMENT_BYTES = 4 * 1024 * 1024
PATTERN = "[0-9]*.jsonl"
_DIGITS = 12


class Segments:
    """The numbered segments in one slot, oldest first; `size` is what they take, in bytes."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._active: Path | None = None
        self._descriptor = -1
        self._lines = 0
        self._bytes = 0
        names = sorted(folder.glob(PATTERN))
        self.size = sum(path.stat().st_size for path in names)
        self._next = 1 + (int(names[-1].stem) if names else 0)

    def sealed(self) -> list[Path]:
        """Return the segments that will not grow any more, oldest first."""
        return sorted(path for path in self.folder.glob(PATTERN) if path != self._active)

    def append(self, lines: Sequence[bytes]) -> Path:
        """Write `lines` through; all of them are durable, or `OSError` and none is promised."""
        if self._lines >= SEGMENT_LINES or self._bytes >= SEGMENT_BYTES:
            self.seal()
        path = self._active or self._open()
        content = b"".join(lines)
        try:
            write_whole(self._descriptor, content)
        except OSError:
            # Undone as far as the disk lets us: a line that stays is a task that no answer
            # promised, which is harmless.
            with contextlib.suppress(OSError):
                os.ftruncate(self._descriptor, self._bytes)
                os.fsync(self._descriptor)
            with contextlib.suppress(OSError):
                self.seal()
            raise
        self._lines += len(lines)
        self._bytes += len(content)
        self.size += len(content)
        return path

    def seal(self) -> None:
        """Let the next append start a new segment."""
        if self._active is not None:
            os.close(self._descriptor)
        self._active, self._descriptor, self._lines, self._bytes = None, -1, 0, 0

    def discard(self, path: Path) -> None:
        """Delete a sealed segment."""
        size = path.stat().st_size
        path.unlink()
        self.size -= size

    def adopt(self, root: Path) -> None:
        """Move the segments in the abandoned slots under `root` behind our own."""
        for slot in Slot.abandoned(root, PATTERN):
            self.seal()
            for path in sorted(slot.folder.glob(PATTERN)):
                self.size += path.stat().st_size
                path.rename(self._new_path())
            sync_folder(self.folder)

    def _open(self) -> Path:
        path = self._new_path()
        # Each write returns when it is on the disk: one wait for the interpreter's lock fewer than
        # with a call to fsync behind it.
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND | os.O_DSYNC
        self._descriptor = os.open(path, flags, 0o600)
        self._active = path
        sync_folder(self.folder)
        return path

    def _new_path(self) -> Path:
        path = self.folder / f"{self._next:0{_DIGITS}}.jsonl"
        self._next += 1
        return path


def append_durably(path: Path, lines: Sequence[bytes]) -> None:
    """Append `lines` to the file at `path` and fsync; they begin a line of their own."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600)
    try:
        size = os.fstat(descriptor).st_size
        is_torn = size > 0 and os.pread(descriptor, 1, size - 1) != b"\n"
        write_whole(descriptor, b"\n" * is_torn + b"".join(lines))
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
