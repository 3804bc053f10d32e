"""What every measurement stands on: a folder, the cores, our interpreter."""

import asyncio
import os
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson

from bench.serving.processes import ROOT, Cores, pin


@dataclass
class Ground:
    """One run's folder, cores and sizes. `seconds` are those of one cell."""

    folder: Path
    cores: Cores
    seconds: float
    warm_seconds: float

    def python(self, *arguments: str) -> list[str]:
        """Return a command of our own interpreter."""
        return [sys.executable, *arguments]

    def log(self, name: str) -> Path:
        """Return where a server of this name writes what it says."""
        return self.folder / f"{name}.log"

    async def run_json(
        self,
        *arguments: str,
        given: bytes = b"",
        cores: frozenset[int] | None = None,
        **environment: str,
    ) -> dict[str, Any]:
        """Run a module of ours to its end, on the load generator's core; return what it prints."""
        chosen = self.cores.load if cores is None else cores
        process = await asyncio.create_subprocess_exec(
            *self.python(*arguments),
            cwd=ROOT,
            env={**os.environ, **environment},
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            preexec_fn=lambda: pin(chosen),
        )
        try:
            said, _ = await process.communicate(given)
        except BaseException:
            process.kill()
            raise
        if process.returncode:
            raise RuntimeError(f"{' '.join(arguments)} ended with status {process.returncode}")
        answer: dict[str, Any] = orjson.loads(said)
        return answer
