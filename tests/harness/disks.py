"""Small disks that tests fill up and free again, and folders that they make read-only."""

import contextlib
import os
import shutil
import subprocess
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import psutil

_CHUNK_BYTES = 64 * 1024


@dataclass
class SmallDisk:
    """A folder on a tmpfs; where none can be mounted, `fill` limits its users' files instead.

    A limit (RLIMIT_FSIZE) stops all writes of those processes, on whatever disk.
    """

    folder: Path
    is_mounted: bool
    _limited: list[psutil.Process] = field(default_factory=list)

    def fill(self, users: Iterable[int]) -> None:
        """Leave no room on the disk, for the processes `users`."""
        if self.is_mounted:
            with contextlib.suppress(OSError), self._filler.open("ab", buffering=0) as file:
                while True:
                    file.write(bytes(_CHUNK_BYTES))
            return
        self._limited = [psutil.Process(user) for user in users]
        for process in self._limited:
            process.rlimit(psutil.RLIMIT_FSIZE, (0, psutil.RLIM_INFINITY))

    def free(self) -> None:
        """Make room again."""
        self._filler.unlink(missing_ok=True)
        for process in self._limited:
            process.rlimit(psutil.RLIMIT_FSIZE, (psutil.RLIM_INFINITY, psutil.RLIM_INFINITY))
        self._limited = []

    @property
    def _filler(self) -> Path:
        return self.folder / "filler"


@contextlib.contextmanager
def small_disk(folder: Path, megabytes: int) -> Iterator[SmallDisk]:
    """Make `folder` a disk of so many megabytes while the block lasts."""
    folder.mkdir(parents=True)
    is_mounted = _mount("-t", "tmpfs", "-o", f"size={megabytes}m", "tmpfs", str(folder))
    try:
        yield SmallDisk(folder, is_mounted)
    finally:
        if is_mounted:
            _unmount(folder)


@contextlib.contextmanager
def read_only(folder: Path) -> Iterator[None]:
    """Let nothing be written below `folder` while the block lasts.

    Where nothing can be mounted its modes say so, which hold for processes started with
    `tests.harness.powers.without_powers`.
    """
    if not _mount("--bind", str(folder), str(folder)):
        with _without_write_modes(folder):
            yield
        return
    try:
        subprocess.run(["mount", "-o", "remount,ro,bind", folder], check=True)
        yield
    finally:
        _unmount(folder)


@contextlib.contextmanager
def _without_write_modes(folder: Path) -> Iterator[None]:
    modes = {path: path.stat().st_mode for path in (folder, *folder.rglob("*"))}
    for path, mode in modes.items():
        path.chmod(mode & ~0o222)
    try:
        yield
    finally:
        for path, mode in modes.items():
            path.chmod(mode)


def _mount(*arguments: str) -> bool:
    # The variable is for trying what is done elsewhere.
    if shutil.which("mount") is None or os.environ.get("TEST_WITHOUT_MOUNT"):
        return False
    return subprocess.run(["mount", *arguments], capture_output=True, check=False).returncode == 0


def _unmount(folder: Path) -> None:
    # Lazily: a process that is just ending may still have a file open.
    subprocess.run(["umount", "--lazy", folder], check=True)
