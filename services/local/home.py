"""SUREHAND_HOME: the lock, the keys, the tokens and the `ready` mark of local mode."""

import contextlib
import fcntl
import os
import secrets
from collections.abc import Iterator
from pathlib import Path

import orjson

from shared.auth import ROLES, Keys
from shared.settings import SettingsError

# A local installation may run for months; its tokens are issued anew at each start.
_TOKEN_HOURS = 24.0 * 365


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

        Raises
        ------
        SettingsError
            Another launcher holds it.
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        with (self.folder / "lock").open("a+") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError as error:
                lock.seek(0)
                raise SettingsError(
                    f"Surehand already runs on {self.folder} (process {lock.read().strip()}): "
                    "stop it, or set SUREHAND_HOME to another folder."
                ) from error
            lock.truncate(0)
            lock.write(str(os.getpid()))
            lock.flush()
            self.ready_file.unlink(missing_ok=True)
            try:
                yield
            finally:
                self.ready_file.unlink(missing_ok=True)

    def secret(self) -> str:
        """Return the installation's secret; made at the first start."""
        path = self.keys.folder / "secret"
        self.keys.ensure()
        if not path.exists():
            _write_private(path, secrets.token_hex(32).encode())
        return path.read_text()

    def issue_tokens(self) -> dict[str, str]:
        """Issue one token a role, and put them into ``tokens.json`` (0600)."""
        tokens: dict[str, str] = {
            role: self.keys.issue(role, f"local-{role}", hours=_TOKEN_HOURS) for role in ROLES
        }
        _write_private(self.tokens_file, orjson.dumps(tokens, option=orjson.OPT_INDENT_2))
        return tokens

    def mark_ready(self, document: dict[str, str]) -> None:
        """Write ``ready``: all services are ready, and seeding is done."""
        _write_private(self.ready_file, orjson.dumps(document))


def _write_private(path: Path, body: bytes) -> None:
    fresh = path.with_name(path.name + ".new")
    fresh.unlink(missing_ok=True)
    with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(body)
        file.flush()
        os.fsync(file.fileno())
    fresh.replace(path)
