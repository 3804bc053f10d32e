"""The home: the folder in which a process keeps its own files, readable by its user alone."""

import contextlib
import errno
import os
import stat
from collections.abc import Iterator
from pathlib import Path

from shared.settings import SettingsError

PRIVATE_UMASK = 0o077
_OTHERS = 0o077
# What Surehand writes in a home. Other files may lie beside it, and are left alone. Keys and the
# store may be read-only, and are only closed: of the store the folder, of keys all but public ones.
_FILES = ("*.db", "*.db-*", "surehand.log*", "tokens.json", "*lock", "ready", "demo-*")
_FOLDERS = ("spool", "audits", "decisions", "shadow", "trainer", "redis")
_PUBLIC_KEYS = "public"


def prepare_home(folder: Path) -> Path:
    """Make the home (0700), or take from an existing one what other users may; return its path.

    Modes are only tightened, and only of what this user owns: an existing folder to 0700 and the
    files that Surehand made in it to 0600. A shared folder, such as ``/tmp``, stays as it is.

    Raises `SettingsError`: the home, or a file of Surehand's in it, cannot be written by this user.
    """
    home = folder.absolute()
    try:
        home = folder.resolve()
        home.mkdir(mode=0o700, parents=True, exist_ok=True)
        written = [path for pattern in _FILES for path in home.glob(pattern)]
        written += [path for name in _FOLDERS for path in _paths_below(home / name)]
        for path in (home, *written):
            # Another process of this home may just have removed it.
            with contextlib.suppress(FileNotFoundError):
                _check_access(path)
                _tighten(path)
        for path in (home / "store", *_paths_below(home / "keys")):
            with contextlib.suppress(FileNotFoundError):
                _tighten(path)
    except OSError as error:
        # A file in the folder's place is "File exists" to the system.
        cause = "Not a directory" if isinstance(error, FileExistsError) else error.strerror
        where = "" if error.filename == str(home) else f"{error.filename}: "
        raise SettingsError(
            f"The home {home} cannot be used ({where}{cause}): "
            "set SUREHAND_HOME to a folder that this user may write."
        ) from error
    return home


def write_private(path: Path, body: bytes) -> None:
    """Put `body` into the file at `path` (0600), atomically and durably."""
    fresh = path.with_name(path.name + ".new")
    fresh.unlink(missing_ok=True)
    with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(body)
        file.flush()
        os.fsync(file.fileno())
    fresh.replace(path)


def _paths_below(folder: Path) -> Iterator[Path]:
    for parent, folders, files in os.walk(folder):
        if _PUBLIC_KEYS in folders:
            folders.remove(_PUBLIC_KEYS)
        yield Path(parent)
        yield from (Path(parent, file) for file in files)


def _check_access(path: Path) -> None:
    """Raise what opening the path for writing would raise."""
    if os.access(path, os.R_OK | os.W_OK | (os.X_OK if path.is_dir() else 0)):
        return
    is_read_only = os.statvfs(path).f_flag & os.ST_RDONLY
    code = errno.EROFS if is_read_only else errno.EACCES
    raise OSError(code, os.strerror(code), str(path))


def _tighten(path: Path) -> None:
    status = path.lstat()
    if not stat.S_ISDIR(status.st_mode) and not stat.S_ISREG(status.st_mode):
        return
    is_shared = status.st_mode & stat.S_ISVTX
    if status.st_mode & _OTHERS and status.st_uid == os.geteuid() and not is_shared:
        path.chmod(stat.S_IMODE(status.st_mode) & ~_OTHERS)
