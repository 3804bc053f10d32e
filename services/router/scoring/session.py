"""One loaded graph: checked and warmed before it may score."""

import math
import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

from shared.contracts.versions import Manifest
from shared.fields.spec import FieldSpec
from shared.graphs.control_flow import runs_straight
from shared.graphs.graph import Graph
from shared.graphs.trial import made_up_items, try_on, try_out

_WARM_UP_RUNS = 3
# A wider batch must be faster by so much, and so often it is tried: the memory that it takes, and
# the time for which it keeps others waiting, are to be worth it.
_WIDE, _GAIN, _WIDE_RUNS = 64, 0.04, 5
# Of one item, for the event loop; many may come together.
_LONGEST_SECONDS = 0.01
# Items that take longer gain nothing from company.
_SLOW_SECONDS = 0.001
# Items that take less are scored before another thread is awake: in batches of 2 to 64 texts two
# threads took up to twice as long as one, and up to three times its processor time.
_THREADED_SECONDS = 0.0001


class Scorer:
    """Class probabilities from one graph.

    Attributes
    ----------
    seconds_per_item
        What an item took at best, alone, when the graph was warmed.
    is_bounded
        Whether no item takes much longer: each runs through the same nodes, and long texts are
        quick too.
    """

    def __init__(
        self,
        model: bytes,
        manifest: Manifest,
        fields: Mapping[str, FieldSpec],
        *,
        threads: int,
        run_seconds: float = math.inf,
        clock: Callable[[], float] = time.thread_time,
    ) -> None:
        """Load, check and warm up: slow, so call it in a thread.

        A graph that is not quick runs in `threads` threads. `clock` gives the processor's time in
        seconds: others may be at work meanwhile. No run may take longer than `run_seconds`.

        Raises `GraphRefused`: ONNX Runtime cannot load it, its inputs or output are not what the
        manifest and the project say, its first answers are no probabilities, or it takes too long
        over one item.
        """
        self._clock = clock
        open_graph = partial(Graph, model, manifest, fields, run_seconds=run_seconds)
        self.graph = open_graph(threads=1)
        one = made_up_items(fields, manifest.inputs, 1)
        started = time.perf_counter()
        try_on(self.graph, one, ["a made-up item"])
        self.graph.keep_within_time(time.perf_counter() - started)
        try_out(self.graph, manifest, fields)
        self.is_bounded = runs_straight(model) and self._is_quick_with_long_texts(fields, manifest)
        self.seconds_per_item = self._warm_up(one, self._clock)
        if threads > 1 and self.seconds_per_item > _THREADED_SECONDS:
            del self.graph
            self.graph = open_graph(threads=threads)
            self.seconds_per_item = self._warm_up(one, time.perf_counter)
        self.graph.keep_within_time(self.seconds_per_item)
        if self.seconds_per_item <= _SLOW_SECONDS:
            self._choose_batch(made_up_items(fields, manifest.inputs, _WIDE))

    def _is_quick_with_long_texts(
        self, fields: Mapping[str, FieldSpec], manifest: Manifest
    ) -> bool:
        """Say whether the longest texts that the project allows keep an event loop for a moment."""
        read = [fields[name] for entry in manifest.inputs for name in entry.fields]
        if not any(spec.may_be_long for spec in read):
            return True
        items = made_up_items(fields, manifest.inputs, 1, longest=True)
        return min(self._seconds(items, self.graph.batch) for _ in range(2)) <= _LONGEST_SECONDS

    def _choose_batch(self, items: Sequence[Mapping[str, Any]]) -> None:
        """Widen the batches if that makes an item faster here.

        It depends on model and processor: in batches of 16 and of 64 an item took 21 and 34 µs by
        one model, 10.8 and 9.8 µs by another, 24.7 and 22.1 µs by that one elsewhere.
        """
        narrow = self.graph.batch
        by_width = {narrow: math.inf, _WIDE: math.inf}
        for _ in range(_WIDE_RUNS):
            by_width = {
                width: min(seconds, self._seconds(items, width))
                for width, seconds in by_width.items()
            }
        faster = by_width[_WIDE] <= (1 - _GAIN) * by_width[narrow]
        self.graph.widen(_WIDE if faster else narrow)

    def _seconds(self, items: Sequence[Mapping[str, Any]], width: int) -> float:
        self.graph.widen(width)
        started = self._clock()
        self.graph.run(items)
        return self._clock() - started

    def _warm_up(self, items: Sequence[Mapping[str, Any]], clock: Callable[[], float]) -> float:
        seconds = []
        for _ in range(_WARM_UP_RUNS):
            started = clock()
            self.graph.run(items)
            seconds.append(clock() - started)
        return min(seconds)
