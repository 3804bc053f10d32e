"""One loaded graph: items' data in, class probabilities out."""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from shared.contracts.versions import ModelInterface
from shared.fields.spec import Unscorable
from shared.graphs.deadline import RunTimedOut, run_within
from shared.graphs.rows import FloatArray
from shared.graphs.session import open_session
from shared.graphs.signature import PROBABILITIES, check_signature, width_fault
from shared.graphs.tensors import Data, Feeder, Fields

# Larger batches gain little, or lose: what lies between the nodes of a text model may leave the
# processor's cache. Where the time of an item counts, it is measured: see the router's scorer.
BATCH_SIZE = 16
# Images are large: what all inputs of a batch take is bounded too.
_BATCH_BYTES = 64 * 1024 * 1024
# How much of the time that a run may take a full batch is to need: items differ.
_PART = 0.25


class Graph:
    """Class probabilities from one graph. Safe to call from several threads at a time.

    Attributes
    ----------
    outputs : all that the graph gives: each output's ONNX type and shape, -1 for an open size.
    batch : how many items one run of the session takes; `widen` changes it.
    """

    def __init__(
        self,
        model: bytes,
        interface: ModelInterface,
        fields: Fields,
        *,
        threads: int = 1,
        run_seconds: float = math.inf,
    ) -> None:
        """Load it and check its signature: slow, so call it in a thread.

        A run of the session is ended after `run_seconds`.

        Raises `GraphRefused`: ONNX Runtime cannot load it, or its inputs or output are not what
        `interface` and the project's `fields` say.
        """
        self._session = open_session(model, threads)
        self._run_seconds = run_seconds
        check_signature(self._session, interface, fields)
        self._feeder = Feeder(interface.inputs, fields)
        self._output = interface.outputs[PROBABILITIES]
        self.outputs = {
            entry.name: (
                entry.type,
                [side if isinstance(side, int) else -1 for side in entry.shape],
            )
            for entry in self._session.get_outputs()
        }
        self._n_labels = len(interface.labels)
        self.widen(BATCH_SIZE)

    def widen(self, items: int) -> None:
        """Let one run take so many items, or as many as may be in memory at a time."""
        fitting = _BATCH_BYTES // max(1, self._feeder.row_bytes)
        self.batch = max(1, min(items, fitting))

    def keep_within_time(self, seconds_per_item: float) -> None:
        """Narrow the batches of a slow graph: a full one takes a part of `run_seconds`."""
        self.widen(int(min(BATCH_SIZE, self._run_seconds * _PART / seconds_per_item)))

    def takes(self, item: Data) -> bool:
        """Say whether the item, which has passed `check_data`, can be given to this graph."""
        return self._feeder.takes(item)

    def run(self, items: Sequence[Data]) -> FloatArray:
        """Score n items in batches that memory can hold.

        Returns
        -------
        shape (n, K), float32; the row of an item that the graph cannot take is NaN.

        Raises
        ------
        Exception
            Whatever ONNX Runtime raises, RunTimedOut, or a ValueError for answers of another shape.
        """
        if 0 < len(items) <= self.batch:
            return self._run(items)
        starts = range(0, len(items), self.batch)
        batches = [self._run(items[start : start + self.batch]) for start in starts]
        return np.concatenate([self._unscored(0), *batches])

    def run_each(self, items: Sequence[Data]) -> FloatArray:
        """Score n items as `run` does; what the graph fails on costs its own rows alone.

        Returns
        -------
        shape (n, K), float32; NaN in the row of an item that the graph cannot take or fails on.

        Raises
        ------
        RunTimedOut
            A run was ended.
        """
        try:
            return self.run(items)
        except RunTimedOut:
            # Halves would take as long again, each of them.
            raise
        except Exception:  # noqa: BLE001 - ONNX Runtime's errors have no common base but this
            if len(items) == 1:
                return self._unscored(1)
        middle = len(items) // 2
        return np.concatenate([self.run_each(items[:middle]), self.run_each(items[middle:])])

    def arrays(self, names: Sequence[str], items: Sequence[Data]) -> dict[str, NDArray[Any]]:
        """Return outputs of the graph by name, first axis the n items, as ONNX Runtime gives them.

        It is one run: n is at most `batch`.

        Raises `Unscorable`: the graph cannot take one of the items; `RunTimedOut`: a run was ended;
        `ValueError`: an output has not one row an item.
        """
        answers = run_within(self._session, self._run_seconds, names, self._feeder.feeds(items))
        arrays = dict(zip(names, answers, strict=True))
        for name, answer in arrays.items():
            if answer.shape[:1] != (len(items),):
                raise ValueError(f"output {name} has not one row an item")
        return arrays

    def _run(self, items: Sequence[Data]) -> FloatArray:
        try:
            feeds = self._feeder.feeds(items)
        except Unscorable:
            rows = self._unscored(len(items))
            places = [place for place, item in enumerate(items) if self.takes(item)]
            if places:
                rows[places] = self._run([items[place] for place in places])
            return rows
        answer: Any = run_within(self._session, self._run_seconds, [self._output], feeds)[0]
        if answer.shape != (len(items), self._n_labels):
            fault = width_fault(answer.shape, self._n_labels)
            raise ValueError(fault or f"it answers {len(items)} items with {len(answer)} rows")
        # Routing compares in float32; a graph may compute in float64.
        out: FloatArray = answer.astype(np.float32, copy=False)
        return out

    def _unscored(self, count: int) -> FloatArray:
        return np.full((count, self._n_labels), np.nan, dtype=np.float32)
