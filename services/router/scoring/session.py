"""One loaded graph: checked and warmed before it may score."""

import time
from collections.abc import Mapping, Sequence
from typing import Any

from services.router.routing import FloatArray
from shared.contracts.projects import FieldSpec
from shared.contracts.versions import Manifest
from shared.graphs.graph import Graph
from shared.graphs.samples import made_up_items
from shared.graphs.trial import try_out

_WARM_UP_RUNS = 3


class Scorer:
    """Class probabilities from one graph.

    Attributes
    ----------
    seconds_per_item
        What an item took at best, alone, when the graph was warmed.
    """

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
        self.graph = Graph(model, manifest, fields, threads=threads)
        try_out(self.graph, manifest, fields)
        self.seconds_per_item = self._warm_up(made_up_items(fields, manifest.inputs, 1))

    def score(self, items: Sequence[Mapping[str, Any]]) -> FloatArray:
        """Return the probabilities of `items` (each its `data`), float32, shape (n, K).

        The row of an item that the graph cannot take is NaN.
        """
        return self.graph.run(items)

    def _warm_up(self, items: Sequence[Mapping[str, Any]]) -> float:
        seconds = []
        for _ in range(_WARM_UP_RUNS):
            started = time.perf_counter()
            self.graph.run(items)
            seconds.append(time.perf_counter() - started)
        return min(seconds)
