"""Start a Surehand and a Label Studio, each in a folder of its own, on free loopback ports."""

import contextlib
import json
import os
import secrets
import socket
import subprocess
import sys
import time
import venv
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import httpx

ROOT = Path(__file__).resolve().parents[2]
SERVICES = ("router", "review_queue", "trainer")
_START_SECONDS = 300


@dataclass(frozen=True)
class Services:
    """Where the services are, and the operator's token."""

    router: str
    review_queue: str
    trainer: str
    token: str


@contextlib.contextmanager
def services(home: Path) -> Iterator[Services]:
    """Run ``python -m services up`` without the demo."""
    ports = {name: _free_port() for name in SERVICES}
    settings = {f"SUREHAND_{name.upper()}_PORT": str(port) for name, port in ports.items()}
    settings |= {"SUREHAND_HOME": str(home), "SUREHAND_DEMO": "0"}
    command = [sys.executable, "-m", "services", "up"]
    with _running(command, home, settings, (home / "ready").exists):
        tokens = json.loads((home / "tokens.json").read_text())
        urls = {name: f"http://127.0.0.1:{port}" for name, port in ports.items()}
        yield Services(**urls, token=tokens["operator"])


@contextlib.contextmanager
def label_studio(folder: Path, version: str) -> Iterator[httpx.Client]:
    """Install Label Studio unless it is there already, run it, and give its API's client."""
    program = folder / "venv" / "bin" / "label-studio"
    if not program.exists():
        venv.create(folder / "venv", with_pip=True)
        python = str(folder / "venv" / "bin" / "python")
        pip = [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        subprocess.run([*pip, f"label-studio=={version}"], check=True)
    port, token = _free_port(), secrets.token_hex(20)
    settings = {
        "LABEL_STUDIO_BASE_DATA_DIR": str(folder / f"data-{port}"),
        "LABEL_STUDIO_USERNAME": "ann@example.com",
        "LABEL_STUDIO_PASSWORD": secrets.token_hex(8),
        "LABEL_STUDIO_USER_TOKEN": token,
        "LABEL_STUDIO_ENABLE_LEGACY_API_TOKEN": "true",
        # The backend is on this machine: Label Studio calls no private address otherwise.
        "SSRF_PROTECTION_ENABLED": "false",
        "ML_BLOCK_LOCAL_IP": "false",
        "COLLECT_ANALYTICS": "false",
        "LATEST_VERSION_CHECK": "false",
    }
    address = ["--internal-host", "127.0.0.1", "--port", str(port)]
    with (
        httpx.Client(
            base_url=f"http://127.0.0.1:{port}",
            headers={"Authorization": f"Token {token}"},
            timeout=60,
            trust_env=False,
        ) as client,
        _running(
            [str(program), "start", "--no-browser", *address],
            folder,
            settings,
            lambda: _answers(client),
        ),
    ):
        yield client


def _answers(client: httpx.Client) -> bool:
    try:
        return client.get("/health").is_success
    except httpx.TransportError:
        return False


@contextlib.contextmanager
def _running(
    command: list[str], folder: Path, settings: Mapping[str, str], is_ready: Callable[[], bool]
) -> Iterator[None]:
    """Run a server, wait until it is ready, and end it with the block."""
    folder.mkdir(parents=True, exist_ok=True)
    log = folder / "output.log"
    inherited = {key: value for key, value in os.environ.items() if key[:9] != "SUREHAND_"}
    with log.open("ab") as output:
        process = subprocess.Popen(
            command, cwd=ROOT, env={**inherited, **settings}, stdout=output, stderr=output
        )
    try:
        wait_until(is_ready, f"{command[0]} to be ready; see {log}", process)
        yield
    finally:
        process.terminate()
        try:
            process.wait(timeout=30)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def wait_until(
    is_so: Callable[[], bool], what: str, process: "subprocess.Popen[bytes] | None" = None
) -> None:
    """Wait until something is so; end the program when it is not in five minutes."""
    deadline = time.monotonic() + _START_SECONDS
    while not is_so():
        ended = process is not None and process.poll() is not None
        if ended or time.monotonic() > deadline:
            sys.exit(f"Waited in vain for {what}.")
        time.sleep(0.2)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
