"""What the figures were measured on, in a few words."""

import os
import platform
from collections.abc import Sequence
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

from bench.serving.environments import PEERS
from bench.serving.processes import Cores

_OURS = ("onnxruntime", "uvicorn", "uvloop", "fastapi", "pydantic", "orjson")
_MEBIBYTE = 2**20
NOT_PINNED = "processes not pinned"


def describe(cores: Cores) -> list[str]:
    """Return a line each about the machine, the software of serving, the date."""
    return describe_machine(cores.words, _OURS, _pinned())


def describe_machine(where: str, libraries: Sequence[str], more: Sequence[str]) -> list[str]:
    """Return the same lines.

    `where` says which cores the processes have; the software is `libraries` as they are installed,
    and `more`.
    """
    software = [f"{name} {version(name)}" for name in libraries]
    return [
        f"Machine: {_hardware()}, {platform.system()} {platform.release()}; {where}.",
        f"Software: Python {platform.python_version()}, {', '.join([*software, *more])}.",
        f"Measured on {datetime.now(UTC):%Y-%m-%d %H:%M} UTC.",
    ]


def _hardware() -> str:
    return f"{_processor()}, {os.cpu_count()} cores, {_memory()}"


def _processor() -> str:
    for line in _lines(Path("/proc/cpuinfo")):
        name, _, value = line.partition(":")
        if name.strip() == "model name":
            return value.strip()
    return platform.processor() or platform.machine()


def _memory() -> str:
    for line in _lines(Path("/proc/meminfo")):
        if line.startswith("MemTotal:"):
            return f"{int(line.split()[1]) / _MEBIBYTE:.0f} GiB"
    return "memory unknown"


def _lines(path: Path) -> list[str]:
    try:
        return path.read_text().splitlines()
    except OSError:
        return []


def _pinned() -> list[str]:
    """Return the peers' versions, as pinned."""
    return [
        line.replace("==", " ")
        for path in sorted(PEERS.glob("*/requirements.txt"))
        for line in path.read_text().splitlines()
        if not line.startswith(_OURS)
    ]
