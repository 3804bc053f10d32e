"""Files and folders that this process keeps on its disk, written through.

Slots are numbered folders under one root, one for each process. A slot is held by a file lock,
which dies with its holder. What a dead holder left behind is adopted: moved, file by file, into a
slot whose holder lives.
"""

import contextlib
import fcntl
import itertools
import os
from collections.abc import Iterator
from pathlib import Path

_PROBE = "probe"
_PROBE_BYTES = 4096
_LOCK = "lock"


def write_whole(descriptor: int, content: bytes) -> None:
    """Write all of `content`; where `OSError` ends it a part may be written."""
    written = os.write(descriptor, content)
    if written < len(content):
        write_whole(descriptor, content[written:])


def probe_disk(folder: Path) -> None:
    """Write a file through in `folder` and remove it; `OSError` when the disk does not take it."""
    path = folder / _PROBE
    try:
        with path.open("wb", buffering=0) as file:
            file.write(bytes(_PROBE_BYTES))
            os.fsync(file.fileno())
    finally:
        path.unlink(missing_ok=True)


def sync_folder(folder: Path) -> None:
    """Make renames and new names in `folder` durable."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


class Slot:
    """A folder that this process alone writes into, until it is released."""

    def __init__(self, folder: Path, descriptor: int) -> None:
        self.folder = folder
        self._descriptor = descriptor

    @classmethod
    def take(cls, root: Path) -> "Slot":
        """Take the lowest free slot under `root`; a restarted process finds its own again."""
        slots = (cls._try(root / str(number)) for number in itertools.count())
        return next(slot for slot in slots if slot is not None)

    @classmethod
    def _try(cls, folder: Path) -> "Slot | None":
        folder.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(folder / _LOCK, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(descriptor)
            return None
        return cls(folder, descriptor)

    @classmethod
    def abandoned(cls, root: Path, pattern: str) -> Iterator["Slot"]:
        """Take, one after another, the slots without a holder that have files left."""
        for folder in sorted(path for path in root.iterdir() if path.name.isdigit()):
            if any(folder.glob(pattern)):
                slot = cls._try(folder)
                if slot is not None:
                    with contextlib.closing(slot):
                        yield slot

    def close(self) -> None:
        """Let go of the folder."""
        os.close(self._descriptor)
