"""Find a change in a stream of items, one by one, with a bound on false alarms (pure).

Each item has a value in each of some streams: the model's confidence, the length of a text. Of each
value the *conformal p-value* says how it ranks among the values before it: while items stay as they
were, p-values are independent and uniform on [0, 1]. Twelve bets on that are held for each stream:
a bet of `a` multiplies a statistic by 1 + a(1 - 2p), whose mean is 1 for a uniform p. The
Shiryaev-Roberts statistic M <- (M + 1)(1 + a(1 - 2p)) sums that product over all starts.

The mean of M over all bets and streams is compared with `ITEMS` = 2,000,000: while nothing changes,
M - t is a martingale, so the chance of an alarm within t items is at most t / ITEMS (Doob), which
is 1 % in 20,000 items. A fixed reference has no such bound: of 5,000 values it differs enough from
the traffic for 3 % in 20,000.

Values are ranked by their bins. The edges of the bins are the values of the first 200 items, which
count no further; a bin of its own holds the values equal to an edge.

References
----------
Vovk, Nouretdinov, Gammerman, ICML 2003 (testing exchangeability on-line).
Shin, Ramdas, Rinaldo, NEJSDS 2023, arXiv 2203.03532 (e-detectors).
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from hashlib import blake2b

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]

ITEMS = 2_000_000
FIRST = 200
BETS: FloatArray = np.array(
    [sign * size for sign in (1.0, -1.0) for size in (0.2, 0.35, 0.5, 0.65, 0.8, 0.95)]
)
# No number of a tie is used for two streams.
MOST_STREAMS = 8


@dataclass(frozen=True)
class Alarm:
    """A change was found at the item of `place`, in `stream` most; it began about at `began`."""

    place: int
    began: int
    stream: int


@dataclass(frozen=True)
class DriftDetector:
    """State after some items; equal to the last bit however the items were grouped into calls.

    Attributes
    ----------
    first : shape (n, streams), n at most 200: the items whose values are the edges
    counts : one array a stream, how many later values each bin has
    statistics : shape (streams, bets), each at least 0
    products : shape (streams, bets), of the bets since `starts`
    starts : shape (streams, bets), place of the item from which on the bet has won most
    alarm : once there is one; what comes after it changes nothing
    """

    first: FloatArray
    counts: tuple[IntArray, ...]
    statistics: FloatArray
    products: FloatArray
    starts: IntArray
    alarm: Alarm | None = None

    @classmethod
    def start(cls, streams: int) -> "DriftDetector":
        """Return the state before the first item of 1 to 8 streams."""
        shape = (streams, len(BETS))
        return cls(
            np.empty((0, streams)),
            (),
            np.zeros(shape),
            np.ones(shape),
            np.zeros(shape, dtype=np.int64),
        )

    @property
    def streams(self) -> int:
        """The number of streams."""
        return int(self.first.shape[1])

    @property
    def statistic(self) -> float:
        """The mean of all statistics; the alarm comes at `ITEMS`."""
        return float(self.statistics.mean())


def bins_of(first: FloatArray, values: FloatArray) -> IntArray:
    """Return the bin of each value of a stream, shape (n,); `first` has the edges, in any order."""
    edges = np.unique(first)
    found = np.searchsorted(edges, values, "left") + np.searchsorted(edges, values, "right")
    return np.asarray(found, dtype=np.int64)


def take(
    detector: DriftDetector, values: FloatArray, ties: FloatArray, places: IntArray
) -> DriftDetector:
    """Take items in, up to the first alarm; return the state after them.

    Parameters
    ----------
    values : shape (n, streams), no NaN; -inf stands for a value that is missing
    ties : shape (n, streams), in [0, 1), uniform and independent of the values
    places : shape (n,), rising
    """
    if detector.alarm is not None:
        return detector
    missing = FIRST - len(detector.first)
    if missing > 0:
        first = np.concatenate([detector.first, values[:missing]])
        detector = replace(detector, first=first)
        values, ties, places = values[missing:], ties[missing:], places[missing:]
    if not len(values):
        return detector
    p_values, counts = _p_values(detector, values, ties)
    found = _bet(detector, p_values, places)
    if found.alarm is not None:
        taken = int(np.searchsorted(places, found.alarm.place, "right"))
        counts = _p_values(detector, values[:taken], ties[:taken])[1]
    return replace(found, counts=counts)


def _p_values(
    detector: DriftDetector, values: FloatArray, ties: FloatArray
) -> tuple[FloatArray, tuple[IntArray, ...]]:
    """Return p-values, low for high values, shape (n, streams), and the counts after all items."""
    p_values, after = np.empty_like(values), []
    rows = np.arange(len(values))
    for stream in range(detector.streams):
        bins = bins_of(detector.first[:, stream], values[:, stream])
        size = 2 * len(np.unique(detector.first[:, stream])) + 1
        counts = detector.counts[stream] if detector.counts else np.zeros(size, dtype=np.int64)
        one = np.zeros((len(values) + 1, size), dtype=np.int64)
        one[0] = counts
        one[rows + 1, bins] = 1
        before = np.cumsum(one, axis=0)
        up_to = np.cumsum(before[:-1], axis=1)
        total = up_to[:, -1]
        above, equal = total - up_to[rows, bins], before[rows, bins]
        p_values[:, stream] = (above + ties[:, stream] * (equal + 1.0)) / (total + 1.0)
        after.append(before[-1])
    return p_values, tuple(after)


def _bet(detector: DriftDetector, p_values: FloatArray, places: IntArray) -> DriftDetector:
    statistics, products = detector.statistics, detector.products
    starts, alarm = detector.starts.copy(), None
    factors = 1.0 + BETS * (1.0 - 2.0 * p_values[:, :, None])
    for place, factor in zip(places.tolist(), factors, strict=True):
        starts[products <= 1.0] = place
        products = np.maximum(products, 1.0) * factor
        statistics = (statistics + 1.0) * factor
        if statistics.mean() >= ITEMS:
            best = int(statistics.argmax())
            alarm = Alarm(place, int(starts.flat[best]), best // len(BETS))
            break
    return replace(detector, statistics=statistics, products=products, starts=starts, alarm=alarm)


def ties_of(item_ids: Sequence[str], streams: int) -> FloatArray:
    """Return numbers in [0, 1) by the items' ids, shape (n, streams): the same for a replay."""
    digests = b"".join(
        blake2b(item_id.encode(), digest_size=64, person=b"drift").digest() for item_id in item_ids
    )
    words = np.frombuffer(digests, dtype="<u8").reshape(len(item_ids), MOST_STREAMS)
    return np.asarray((words >> np.uint64(11)) * 2.0**-53)[:, :streams]
