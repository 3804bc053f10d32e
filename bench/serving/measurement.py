"""What one cell measured, and how cells of several rounds become one. Pure."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from math import ceil
from statistics import fmean, median
from typing import Any


@dataclass(frozen=True)
class Measurement:
    """One cell: `requests` of `items` each answered in `seconds`; latencies in milliseconds.

    `answered` counts all answers, those of the warm-up too; `marked` the answers' marks (see the
    load generator's job). `load_cpu` is the share of one core that the load generator used,
    `server_cpu_ms` what an answer cost the server's processes: neighbours on the machine move it
    less than they move throughput. `spread` is the largest distance of a round's throughput from
    the mean, as a share of it.
    """

    requests: int
    items: int
    seconds: float
    errors: int
    p50_ms: float
    p99_ms: float
    answered: int = 0
    marked: int = 0
    server_cpu_ms: float = 0.0
    load_cpu: float = 0.0
    spread: float = 0.0

    @property
    def requests_per_second(self) -> float:
        """Throughput in requests."""
        return self.requests / self.seconds

    @property
    def items_per_second(self) -> float:
        """Throughput in items."""
        return self.requests_per_second * self.items

    def as_dict(self) -> dict[str, Any]:
        """Return the fields as plain JSON values."""
        return asdict(self)

    @classmethod
    def from_dict(cls, fields: dict[str, Any]) -> "Measurement":
        """Read what `as_dict` gave; JSON has null where nothing was measured."""
        nan = float("nan")
        given: dict[str, Any] = {
            name: nan if value is None else value for name, value in fields.items()
        }
        return cls(**given)


def percentile(ordered: Sequence[float], share: float) -> float:
    """Return the smallest value that at least `share` of the values do not exceed.

    Parameters
    ----------
    ordered : ascending
        Nothing measured (an empty sequence) gives NaN.
    share : in (0, 1]
        0.5 is the (lower) median.
    """
    if not 0 < share <= 1:
        raise ValueError("a percentile's share lies in (0, 1]")
    if not ordered:
        return float("nan")
    return ordered[ceil(share * len(ordered)) - 1]


def merge(rounds: Sequence[Measurement]) -> Measurement:
    """Return one measurement of the same cell over several rounds: counts add up.

    Percentiles are the median of the rounds' own: a round that something disturbed does not
    decide them.

    Raises
    ------
    ValueError
        There is no round, or they are of different cells.
    """
    if len({one.items for one in rounds}) != 1:
        raise ValueError("rounds of one cell have the same number of items a request")
    heard = [one for one in rounds if one.requests] or list(rounds)
    rates = [one.requests_per_second for one in rounds]
    mean = fmean(rates)
    return Measurement(
        requests=sum(one.requests for one in rounds),
        items=rounds[0].items,
        seconds=sum(one.seconds for one in rounds),
        errors=sum(one.errors for one in rounds),
        p50_ms=median(one.p50_ms for one in heard),
        p99_ms=median(one.p99_ms for one in heard),
        answered=sum(one.answered for one in rounds),
        server_cpu_ms=median(one.server_cpu_ms for one in heard),
        marked=sum(one.marked for one in rounds),
        load_cpu=max(one.load_cpu for one in rounds),
        spread=max(abs(rate - mean) for rate in rates) / mean if mean else 0.0,
    )
