"""One loaded graph: items' data in, class probabilities out."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from shared.contracts.versions import ModelInterface
from shared.graphs.encoders import Unscorable, Values
from shared.graphs.rows import FloatArray
from shared.graphs.session import open_session
from shared.graphs.signature import PROBABILITIES, check_signature, width_fault
from shared.graphs.tensors import Data, Feeder, Fields

# Larger batches gain nothing: what they compute on then leaves the processor's cache.
BATCH_SIZE = 64
# Images are large: what all inputs of a batch take is bounded too.
_BATCH_BYTES = 64 * 1024 * 1024


class Graph:
    """Class probabilities from one graph. Safe to call from several threads at a time."""

    def __init__(
        self, model: bytes, interface: ModelInterface, fields: Fields, *, threads: int = 1
    ) -> None:
        """Load it and check its signature: slow, so call it in a thread.

        Raises
        ------
        GraphRefused
            ONNX Runtime cannot load it, or its inputs or output are not what `interface` and the
            project's `fields` say.
        """
        self._session = open_session(model, threads)
        check_signature(self._session, interface, fields)
        self._feeder = Feeder(interface.inputs, fields)
        self._output = interface.outputs[PROBABILITIES]
        self._n_labels = len(interface.labels)
        fitting = _BATCH_BYTES // max(1, self._feeder.row_bytes)
        self._batch = max(1, min(BATCH_SIZE, fitting))

    def takes(self, item: Data) -> bool:
        """Say whether the item, which has passed `check_data`, can be given to this graph."""
        try:
            self._feeder.encode(item)
        except Unscorable:
            return False
        return True

    def run(self, items: Sequence[Data]) -> FloatArray:
        """Score n items, whatever their number, in batches that memory can hold.

        Returns
        -------
        shape (n, K), float32; the row of an item that the graph cannot take is NaN.

        Raises
        ------
        Exception
            Whatever ONNX Runtime raises, or a ValueError for answers of another shape.
        """
        rows: FloatArray = np.full((len(items), self._n_labels), np.nan, dtype=np.float32)
        for start in range(0, len(items), self._batch):
            places: list[int] = []
            encoded: list[list[Values]] = []
            for place in range(start, min(start + self._batch, len(items))):
                try:
                    encoded.append(self._feeder.encode(items[place]))
                except Unscorable:
                    continue
                places.append(place)
            if places:
                rows[places] = self._answer(encoded)
        return rows

    def run_each(self, items: Sequence[Data]) -> FloatArray:
        """Score n items as `run` does; what the graph fails on costs its own rows alone.

        Returns
        -------
        shape (n, K), float32; NaN in the row of an item that the graph cannot take or fails on.
        """
        try:
            return self.run(items)
        except Exception:  # noqa: BLE001 - ONNX Runtime's errors have no common base but this
            if len(items) == 1:
                return np.full((1, self._n_labels), np.nan, dtype=np.float32)
        middle = len(items) // 2
        return np.concatenate([self.run_each(items[:middle]), self.run_each(items[middle:])])

    def _answer(self, encoded: Sequence[list[Values]]) -> FloatArray:
        answer: Any = self._session.run([self._output], self._feeder.feeds(encoded))[0]
        fault = width_fault(answer.shape, self._n_labels)
        if fault is None and len(answer) != len(encoded):
            fault = f"it answers {len(encoded)} items with {len(answer)} rows"
        if fault is not None:
            raise ValueError(fault)
        # Routing compares in float32, whatever the graph computes in.
        out: FloatArray = answer.astype(np.float32, copy=False)
        return out
