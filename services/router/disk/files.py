"""Files that are written through to the disk."""

import os
from pathlib import Path

_PROBE = "probe"
_PROBE_BYTES = 4096


def write_whole(descriptor: int, content: bytes) -> None:
    """Write all of `content`; where `OSError` ends it a part may be written."""
    view = memoryview(content)
    while view:
        view = view[os.write(descriptor, view) :]


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
