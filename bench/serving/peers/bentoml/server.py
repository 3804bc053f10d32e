"""A BentoML service with one worker: each request on its own, or batched by BentoML."""

from typing import Any

import bentoml

from bench.serving.peers.graph import BATCH, BATCH_SIZE, Graph

# Its batching adapts the delay itself; a request that cannot be kept within this is refused.
_LATENCY_MS = 60_000
_BATCHING: dict[str, Any] = (
    {"batchable": True, "max_batch_size": 2 * BATCH_SIZE, "max_latency_ms": _LATENCY_MS}
    if BATCH
    else {}
)


@bentoml.service(workers=1, traffic={"timeout": 60})
class Service:
    """The graph as a BentoML service."""

    def __init__(self) -> None:
        self._graph = Graph()

    if BATCH:

        @bentoml.api(**_BATCHING)  # type: ignore[untyped-decorator]
        def predict(self, texts: list[str]) -> list[list[float]]:
            """Score the texts of several requests."""
            rows: list[list[float]] = self._graph.run(texts).tolist()
            return rows

    else:

        @bentoml.api  # type: ignore[untyped-decorator]
        async def predict(self, texts: list[str]) -> list[list[float]]:
            """Score the texts of one request."""
            rows: list[list[float]] = self._graph.run(texts).tolist()
            return rows
