"""What the measurements of serving stand on: the ground, the model, and the load generator."""

import asyncio
import contextlib
import itertools
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import httpx
import numpy as np

from bench.ground import Ground
from bench.serving.load import Job
from bench.serving.measurement import Measurement
from bench.serving.model import Model, build_model, write_model
from bench.serving.peers.graph import Graph
from bench.serving.processes import Cores, Server, ServerFailed
from bench.serving.shapes import SHAPES, parse_probabilities
from bench.serving.texts import make_texts

_PROBES, _PROBE_SEED = 3, 23
_PROBE_SECONDS = 0.01
_START_SECONDS = 120.0
_WARM_SECONDS = 1.0
_TOLERANCE = 1e-5


class LeftOut(Exception):  # noqa: N818 - says what became of the row
    """This row cannot be measured here; the message says why, in plain words."""


@dataclass(frozen=True)
class Endpoint:
    """Where a started server takes requests, and how long its first right answer took."""

    server: Server
    port: int
    path: str
    shape: str
    token: str = ""
    start_seconds: float = 0.0


@dataclass
class Workbench(Ground):
    """One run's ground, and its model."""

    model: Model
    model_path: Path
    graph: Graph
    _numbers: "itertools.count[int]" = field(default_factory=itertools.count)

    def beside(self, name: str, model: Model) -> "Workbench":
        """Return a workbench of another model, on the same ground."""
        folder = self.folder / name
        folder.mkdir(exist_ok=True)
        path = write_model(model, folder)
        return replace(self, folder=folder, model=model, model_path=path, graph=Graph(str(path)))

    async def load(
        self, endpoint: Endpoint, items: int, connections: int, **options: Any
    ) -> Measurement:
        """Run one job against `endpoint`; `options` are those of `Job`."""
        job = Job(
            port=endpoint.port,
            path=endpoint.path,
            shape=endpoint.shape,
            token=endpoint.token,
            items=items,
            connections=connections,
            prefix=f"cell{next(self._numbers)}",
            **{"seconds": self.seconds, "warm_seconds": self.warm_seconds, **options},
        )
        before = endpoint.server.cpu_seconds()
        said = await self.run_json("-m", "bench.serving.load", given=job.as_json())
        measured = Measurement.from_dict(said)
        spent = (endpoint.server.cpu_seconds() - before) * 1e3
        return replace(measured, server_cpu_ms=spent / max(1, measured.answered))

    async def first_answer(self, endpoint: Endpoint, *, checked: bool = True) -> None:
        """Wait for the first answer, which must be right where it is `checked`.

        Raises
        ------
        ServerFailed
            There is none in time, or its probabilities are not those of the graph.
        """
        texts = make_texts(_PROBES, seed=_PROBE_SEED)
        body = SHAPES[endpoint.shape].body([(f"probe-{i}", t) for i, t in enumerate(texts)])
        async with httpx.AsyncClient(trust_env=False, headers=_headers(endpoint)) as client:
            address = f"http://127.0.0.1:{endpoint.port}{endpoint.path}"
            answer = await _first_ok(client, address, body, endpoint.server)
        if checked:
            self._check(texts, parse_probabilities(endpoint.shape, answer))

    def _check(self, texts: Sequence[str], rows: list[list[float]]) -> None:
        expected = self.graph.run(texts)
        if np.shape(rows) != expected.shape or np.abs(rows - expected).max() > _TOLERANCE:
            raise ServerFailed("its probabilities are not those of the graph")


@contextlib.contextmanager
def workbench(seconds: float) -> Iterator[Workbench]:
    """Build the model in a folder that goes with the block; a cell takes `seconds`."""
    with tempfile.TemporaryDirectory(prefix="surehand-bench-") as name:
        folder = Path(name)
        model = build_model()
        path = write_model(model, folder)
        warm_seconds = min(_WARM_SECONDS, seconds)
        cores = Cores.of_machine()
        yield Workbench(folder, cores, seconds, warm_seconds, model, path, Graph(str(path)))


def _headers(endpoint: Endpoint) -> dict[str, str]:
    bearer = {"Authorization": f"Bearer {endpoint.token}"} if endpoint.token else {}
    return {"Content-Type": "application/json", **bearer}


async def _first_ok(client: httpx.AsyncClient, address: str, body: bytes, server: Server) -> bytes:
    deadline = time.perf_counter() + _START_SECONDS
    status = "no answer"
    while time.perf_counter() < deadline:
        server.check()
        try:
            response = await client.post(address, content=body)
        except httpx.TransportError as error:
            status = type(error).__name__
        else:
            if response.is_success:
                return response.content
            status = f"status {response.status_code}"
        await asyncio.sleep(_PROBE_SECONDS)
    raise ServerFailed(f"no answer in {_START_SECONDS:.0f} s ({status}): {server.tail()}")
