"""The home: the folder in which a process keeps its own files, readable by its user alone."""

import errno
import os
import stat
from collections.abc import Iterator
from pathlib import Path

from shared.settings import SettingsError

PRIVATE_UMASK = 0o077
_OTHERS = 0o077
# What Surehand makes in a home. Other files may lie beside it, and are left alone; so are the
# store, whose folder alone is closed, and the public keys.
_FILES = ("*.db", "*.db-*", "surehand.log*", "tokens.json", "*lock", "ready", "demo-*")
_FOLDERS = ("keys", "spool", "audits", "decisions", "shadow", "trainer", "redis")
_PUBLIC_KEYS = "public"


def prepare_home(folder: Path) -> Path:
    """Make the home (0700), or take from an existing one what other users may; return its path.

    Modes are only tightened, and only of what this user owns: an existing folder to 0700 and the
    files that Surehand made in it to 0600. A shared folder, such as ``/tmp``, stays as it is.

    Raises
    ------
    SettingsError
        The home, or a file of Surehand's in it, cannot be written by this user.
    """
    home = folder.absolute()
    try:
        home = folder.resolve()
        home.mkdir(mode=0o700, parents=True, exist_ok=True)
        _tighten(home)
        for path in _own_paths(home):
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


def _own_paths(home: Path) -> Iterator[Path]:
    for pattern in _FILES:
        yield from home.glob(pattern)
    store = home / "store"
    if store.is_dir():
        yield store
    for name in _FOLDERS:
        for parent, folders, files in os.walk(home / name):
            if _PUBLIC_KEYS in folders:
                folders.remove(_PUBLIC_KEYS)
            yield Path(parent)
            yield from (Path(parent, file) for file in files)


def _tighten(path: Path) -> None:
    try:
        status = path.lstat()
    except FileNotFoundError:
        return  # another process of this home has just removed it
    is_folder = stat.S_ISDIR(status.st_mode)
    if not is_folder and not stat.S_ISREG(status.st_mode):
        return
    needed = os.R_OK | os.W_OK | (os.X_OK if is_folder else 0)
    if not os.access(path, needed) and path.exists():
        read_only = os.statvfs(path).f_flag & os.ST_RDONLY
        code = errno.EROFS if read_only else errno.EACCES
        raise OSError(code, os.strerror(code), str(path))
    is_shared = status.st_mode & stat.S_ISVTX
    if status.st_mode & _OTHERS and status.st_uid == os.geteuid() and not is_shared:
        path.chmod(stat.S_IMODE(status.st_mode) & ~_OTHERS)
