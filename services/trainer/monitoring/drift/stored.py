"""The state of a watch, from its row and back."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from services.trainer.monitoring.drift.detector import BETS, Alarm, Detector
from services.trainer.monitoring.drift.watching import Watched
from services.trainer.tables import DriftWatch


def watched_of(watch: DriftWatch) -> Watched:
    """Return the state that a row holds."""
    streams = len(watch.streams)
    if not watch.items:
        return Watched.start(streams)
    alarm = watch.alarm
    bets = (streams, len(BETS))
    detector = Detector(
        first=_floats(watch.first, (-1, streams)),
        counts=tuple(np.array(one, dtype=np.int64) for one in watch.counts),
        statistics=_floats(watch.statistics, bets),
        products=_floats(watch.products, bets),
        starts=np.frombuffer(watch.starts, dtype="<i8").reshape(bets),
        alarm=None if alarm is None else Alarm(alarm["place"], alarm["began"], alarm["stream"]),
    )
    return Watched(
        detector=detector,
        items=watch.items,
        moments=_floats(watch.moments, (3, streams)),
        recent=_floats(watch.recent, (-1, streams)),
        recent_places=np.frombuffer(watch.recent_places, dtype="<i8"),
        open_sums=_floats(watch.open_sums, (2, streams)),
        blocks=tuple(watch.blocks),
        block_size=watch.block_size,
        is_severe=watch.is_severe,
    )


def store(watch: DriftWatch, watched: Watched) -> None:
    """Put a state into a row."""
    found = watched.detector
    watch.items, watch.is_severe = watched.items, watched.is_severe
    watch.first, watch.starts = _bytes(found.first), _bytes(found.starts)
    watch.counts = [one.tolist() for one in found.counts]
    watch.statistics, watch.products = _bytes(found.statistics), _bytes(found.products)
    watch.moments, watch.open_sums = _bytes(watched.moments), _bytes(watched.open_sums)
    watch.recent, watch.recent_places = _bytes(watched.recent), _bytes(watched.recent_places)
    watch.blocks, watch.block_size = list(watched.blocks), watched.block_size
    # What was noted with the alarm stays with it.
    watch.alarm = None if found.alarm is None else {**(watch.alarm or {}), **vars(found.alarm)}


def _floats(body: bytes, shape: tuple[int, int]) -> NDArray[np.float64]:
    return np.frombuffer(body, dtype="<f8").reshape(shape)


def _bytes(array: NDArray[Any]) -> bytes:
    return array.astype("<f8" if array.dtype.kind == "f" else "<i8").tobytes()
