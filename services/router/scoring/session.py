"""One loaded graph: checked and warmed before it may score."""

import asyncio
import time
from collections.abc import Mapping, Sequence
from typing import Any

from services.router.routing import FloatArray
from shared.contracts.projects import FieldSpec
from shared.contracts.versions import Manifest
from shared.graphs.graph import Graph
from shared.graphs.samples import made_up_items
from shared.graphs.trial import try_out

# A run that is shorter than this is done in the event loop: a thread would cost more.
_INLINE_SECONDS = 0.001
_WARM_UP_RUNS = 3


class Scorer:
    """Class probabilities from one graph. Safe to call from several tasks at a time."""

    def __init__(
        self,
        model: bytes,
        manifest: Manifest,
        fields: Mapping[str, FieldSpec],
        *,
        threads: int,
    ) -> None:
        """Load, check and warm up: slow, so call it in a thread.

        Raises
        ------
        GraphRefused
            ONNX Runtime cannot load it, its inputs or output are not what the manifest and the
            project say, or its first answers are no probabilities.
        """
        self._graph = Graph(model, manifest, fields, threads=threads)
        try_out(self._graph, manifest, fields)
        self._seconds_per_item = self._warm_up(made_up_items(fields, manifest.inputs, 1))

    async def score(self, items: Sequence[Mapping[str, Any]]) -> FloatArray:
        """Return the probabilities of `items` (each its `data`), float32, shape (n, K).

        The row of an item that the graph cannot take is NaN.
        """
        if len(items) * self._seconds_per_item < _INLINE_SECONDS:
            return self._graph.run(items)
        return await asyncio.to_thread(self._graph.run, items)

    def _warm_up(self, items: Sequence[Mapping[str, Any]]) -> float:
        """Return the seconds that an item takes, at best."""
        seconds = []
        for _ in range(_WARM_UP_RUNS):
            started = time.perf_counter()
            self._graph.run(items)
            seconds.append(time.perf_counter() - started)
        return min(seconds)
