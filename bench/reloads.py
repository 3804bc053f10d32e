"""Memory of one router process over many reloads: ``python -m bench reloads``.

A router under light traffic moves from version to version of a `text-linear` model of the usual
size. The kernel says what stays resident after each move.
"""

import argparse
import asyncio
import contextlib
import os
import resource
import secrets
import socket
import sys
import tempfile
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import numpy as np

from services.trainer.recipes.recipe import FittedModel, TrainingData
from services.trainer.recipes.text_linear import fit_text_linear
from shared.auth import Keys
from shared.contracts.base import utc_now
from shared.contracts.projects import Project
from shared.contracts.versions import Channels, Manifest, ModelInput
from shared.fields.text import TextField
from shared.store import Store, channels_path, manifest_path, model_path, project_path, sha256

LABELS = ["negative", "positive"]
_TEXTS, _WORDS, _TEXT_WORDS = 1_800, 9_000, 18
_CALLS = 20
_WAIT_SECONDS = 30.0


@dataclass
class Reloading:
    """A running router, its store, and a caller of it."""

    process: asyncio.subprocess.Process
    store: Store
    caller: httpx.AsyncClient
    model: FittedModel

    def resident_mb(self) -> float:
        """Return the megabytes that the process has in memory."""
        pages = int(Path(f"/proc/{self.process.pid}/statm").read_text().split()[1])
        return pages * resource.getpagesize() / 1e6

    async def reload(self, number: int) -> None:
        """Publish version `number`, wait until it serves, and call it some times."""
        version, body = f"v{number}", self.model.onnx
        await self.store.write(model_path("bench", version), body)
        await self.store.write_document(
            manifest_path("bench", version),
            Manifest(
                version=version,
                created_at=utc_now(),
                model_sha256=sha256(body),
                labels=LABELS,
                inputs=[ModelInput(**entry) for entry in self.model.inputs],
                outputs={"probabilities": self.model.output},
                recipe="text-linear",
            ),
        )
        await self.store.write_document(
            channels_path("bench"), Channels(revision=number, champion=version)
        )
        await self._until("/v1/projects/bench/model", lambda told: told["serving"] == version)
        body_of_call = {"items": [{"data": {"text": "good order, bad box"}}] * 8, "review": "never"}
        for _ in range(_CALLS):
            answer = await self.caller.post("/v1/projects/bench/predict", json=body_of_call)
            answer.raise_for_status()

    async def ready(self) -> None:
        """Wait until the router is ready."""
        await self._until("/readyz", lambda _: True)

    async def _until(self, path: str, holds: Any) -> None:
        async with asyncio.timeout(_WAIT_SECONDS):
            while True:
                with contextlib.suppress(httpx.TransportError):
                    answer = await self.caller.get(path)
                    if answer.is_success and holds(answer.json()):
                        return
                await asyncio.sleep(0.02)


def make_model() -> FittedModel:
    """Fit a `text-linear` model of about 1.3 MB on made-up texts."""
    draw = np.random.default_rng(0)
    letters = draw.integers(97, 123, size=(_WORDS, 7), dtype=np.uint8)
    words = [bytes(row[: 3 + i % 5]).decode() for i, row in enumerate(letters)]
    shares = 1 / np.arange(1, _WORDS + 1) ** 0.7
    labels = [LABELS[i % 2] for i in range(_TEXTS)]
    signs = {"negative": "bad", "positive": "good"}
    rows = [
        {"text": " ".join([*draw.choice(words, _TEXT_WORDS, p=shares / shares.sum()), signs[one]])}
        for one in labels
    ]
    return fit_text_linear(TrainingData(rows, labels, np.ones(_TEXTS), ["text"], LABELS))


@contextlib.asynccontextmanager
async def reloading(model: FittedModel) -> AsyncIterator[Reloading]:
    """Run a router in a process and a home of its own."""
    with tempfile.TemporaryDirectory(prefix="surehand-reloads-") as folder:
        home = Path(folder)
        keys = Keys(home / "keys")
        keys.ensure()
        store = Store((home / "store").as_uri())
        moment = utc_now()
        project = Project(
            project="bench",
            revision=1,
            labels=LABELS,
            fields={"text": TextField()},
            created_at=moment,
            updated_at=moment,
        )
        await store.write_document(project_path("bench"), project)
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = int(probe.getsockname()[1])
        inherited = {key: value for key, value in os.environ.items() if key[:9] != "SUREHAND_"}
        settings = {
            "SUREHAND_HOME": folder,
            "SUREHAND_SECRET": secrets.token_hex(32),
            "SUREHAND_ROUTER_PORT": str(port),
            "SUREHAND_POLL_SECONDS": "0.05",
            "SUREHAND_LOG_LEVEL": "ERROR",
        }
        command = [sys.executable, "-m", "services", "router"]
        process = await asyncio.create_subprocess_exec(*command, env={**inherited, **settings})
        headers = {"Authorization": f"Bearer {keys.issue('caller', 'bench')}"}
        url = f"http://127.0.0.1:{port}"
        try:
            async with httpx.AsyncClient(base_url=url, headers=headers, trust_env=False) as caller:
                yield Reloading(process, store, caller, model)
        finally:
            process.terminate()
            await process.wait()


async def measure(reloads: int, model: FittedModel) -> list[float]:
    """Return the resident megabytes after each of `reloads` reloads."""
    resident: list[float] = []
    async with reloading(model) as router:
        await router.ready()
        for number in range(1, reloads + 1):
            await router.reload(number)
            resident.append(router.resident_mb())
    return resident


def main(arguments: list[str]) -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(prog="python -m bench reloads", description=__doc__)
    parser.add_argument("--reloads", type=int, default=200)
    asked = parser.parse_args(arguments)
    model = make_model()
    print(f"model of {len(model.onnx) / 1e6:.2f} MB; resident MB of the router after N reloads")
    resident = asyncio.run(measure(asked.reloads, model))
    marks = [n for n in (1, 5, 10, 25, 50, 100, 150, 200, 500, 1_000) if n <= asked.reloads]
    print(" ".join(f"{mark:>7}" for mark in marks))
    print(" ".join(f"{resident[mark - 1]:7.1f}" for mark in marks))
    print(f"highest {max(resident):.1f}, last {resident[-1]:.1f}")
