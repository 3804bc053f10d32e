"""Memory of one router process over many reloads: ``python -m bench reloads``.

A router under light traffic moves from version to version of a `text-linear` model of the usual
size. The kernel says what stays resident after each move.
"""

import argparse
import asyncio
import contextlib
import resource
import tempfile
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import numpy as np

from bench.installation import single_service, until
from bench.serving.processes import Server
from services.trainer.recipes.recipe import FittedModel, TrainingData
from services.trainer.recipes.text_linear import fit_text_linear
from shared.contracts.base import utc_now
from shared.contracts.projects import Project
from shared.contracts.versions import Channels, Manifest, ModelInput
from shared.fields.text import TextField
from shared.store import Store, channels_path, manifest_path, model_path, project_path, sha256

LABELS = ["negative", "positive"]
_TEXTS, _WORDS, _TEXT_WORDS = 1_800, 9_000, 18
_CALLS = 20


@dataclass
class Reloading:
    """A running router, its store, and a caller of it."""

    server: Server
    store: Store
    caller: httpx.AsyncClient
    model: FittedModel

    def resident_mb(self) -> float:
        """Return the megabytes that the process has in memory."""
        pages = int(Path(f"/proc/{self.server.process.pid}/statm").read_text().split()[1])
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
        await until(self.server, lambda: self._serves(version))
        body_of_call = {"items": [{"data": {"text": "good order, bad box"}}] * 8, "review": "never"}
        for _ in range(_CALLS):
            answer = await self.caller.post("/v1/projects/bench/predict", json=body_of_call)
            answer.raise_for_status()

    async def _serves(self, version: str) -> bool:
        answer = await self.caller.get("/v1/projects/bench/model")
        return answer.is_success and answer.json()["serving"] == version


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
        poll = {"SUREHAND_POLL_SECONDS": "0.05"}
        async with single_service("router", home, "caller", **poll) as (server, caller):
            yield Reloading(server, store, caller, model)


async def measure(reloads: int, model: FittedModel) -> list[float]:
    """Return the resident megabytes after each of `reloads` reloads."""
    resident: list[float] = []
    async with reloading(model) as router:
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
