"""SUREHAND_HOME: the lock, the keys, the tokens and the `ready` mark of local mode."""

import asyncio
import contextlib
import fcntl
import os
import secrets
from collections.abc import AsyncIterator, Iterator
from io import TextIOWrapper
from pathlib import Path

import orjson

from shared.auth import ROLES, Keys
from shared.home import prepare_home, write_private
from shared.settings import SettingsError

# A local installation may run for months; its tokens are issued anew at each start.
_TOKEN_HOURS = 24.0 * 365
# The kernel asks the children of a launcher that was killed to stop; they answer what they took.
_LAST_CHILDREN_SECONDS = 30.0


class Home:
    """The folder that local mode keeps everything in."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder.resolve()
        self.keys = Keys(self.folder / "keys")
        self.ready_file = self.folder / "ready"
        self.tokens_file = self.folder / "tokens.json"
        self.log_file = self.folder / "surehand.log"

    @contextlib.contextmanager
    def locked(self) -> Iterator[None]:
        """Hold the home while the block lasts.

        The kernel releases the lock when the process ends, however it ends: a file that is left
        does not keep the next launcher out.

        Raises `SettingsError`: another launcher holds it, or it cannot be used.
        """
        prepare_home(self.folder)
        with _private_file(self.folder / "lock") as lock:
            if not _lock(lock):
                raise SettingsError(
                    f"Surehand already runs on {self.folder}{_process(lock)}: "
                    "stop it, or set SUREHAND_HOME to another folder."
                )
            lock.truncate(0)
            lock.write(str(os.getpid()))
            lock.flush()
            self.ready_file.unlink(missing_ok=True)
            yield

    @contextlib.asynccontextmanager
    async def without_children(self, seconds: float = _LAST_CHILDREN_SECONDS) -> AsyncIterator[int]:
        """Wait until the children of a launcher that was killed have ended; yield a descriptor.

        Children inherit the descriptor, and with it a lock that lasts until the last of them has
        ended: their ports and their Redis socket are free then.

        Raises `SettingsError`: they have not ended in time.
        """
        with _private_file(self.folder / "children.lock") as lock:
            deadline = asyncio.get_running_loop().time() + seconds
            while not _lock(lock):
                if asyncio.get_running_loop().time() > deadline:
                    raise SettingsError(
                        f"Services of an earlier start still run on {self.folder}: end them first."
                    )
                await asyncio.sleep(0.05)
            yield lock.fileno()

    def secret(self) -> str:
        """Return the installation's secret; made at the first start."""
        path = self.keys.folder / "secret"
        self.keys.ensure()
        if not path.exists():
            write_private(path, secrets.token_hex(32).encode())
        return path.read_text()

    def issue_tokens(self) -> dict[str, str]:
        """Issue one token a role, and put them into ``tokens.json`` (0600)."""
        tokens: dict[str, str] = {
            role: self.keys.issue(role, f"local-{role}", hours=_TOKEN_HOURS) for role in ROLES
        }
        write_private(self.tokens_file, orjson.dumps(tokens, option=orjson.OPT_INDENT_2))
        return tokens

    def mark_ready(self, document: dict[str, str]) -> None:
        """Write ``ready``: all services are ready, and seeding is done."""
        write_private(self.ready_file, orjson.dumps(document))


def _private_file(path: Path) -> TextIOWrapper:
    return open(os.open(path, os.O_RDWR | os.O_CREAT, 0o600), "r+")  # noqa: PTH123 - with a mode


def _lock(file: TextIOWrapper) -> bool:
    """Take the file's lock; say whether it was free."""
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _process(lock: TextIOWrapper) -> str:
    # Of two that start together the first may not have written its number yet.
    number = lock.read().strip()
    return f" (process {number})" if number else ""
