"""What one cell measured: cycles of a lease and its verdict. Pure."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from statistics import fmean, median
from typing import Any

from bench.serving.measurement import percentile

_PER_MILLISECOND = 1e6


@dataclass(frozen=True)
class Cycles:
    """One cell: `cycles` finished in `seconds`; percentiles in milliseconds.

    `answered` counts every verdict that was taken, those of the warm-up too. `doubled` are tasks
    that two reviewers had, `lost` verdicts that were taken and are not in the database, or the
    other way round. CPU is a cycle's, of the server's processes and of the database's.
    """

    cycles: int
    seconds: float
    errors: int
    lease_p50_ms: float
    lease_p99_ms: float
    verdict_p50_ms: float
    verdict_p99_ms: float
    answered: int = 0
    doubled: int = 0
    lost: int = 0
    server_cpu_ms: float = 0.0
    database_cpu_ms: float = 0.0
    load_cpu: float = 0.0
    spread: float = 0.0

    @property
    def per_second(self) -> float:
        """Throughput in cycles."""
        return self.cycles / self.seconds if self.seconds else 0.0


@dataclass
class Tally:
    """Cycles as they come, in nanoseconds; `as_dict` is what a process of ours prints."""

    seconds: float = 0.0
    errors: int = 0
    load_cpu: float = 0.0
    cpu_seconds: float = 0.0
    cycles: int = 0
    leases: list[int] = field(default_factory=list)
    verdicts: list[int] = field(default_factory=list)
    answered: list[str] = field(default_factory=list)

    def as_dict(self) -> dict[str, Any]:
        """Return plain JSON values."""
        leases, verdicts = sorted(self.leases), sorted(self.verdicts)
        times = Counter(self.answered)
        return asdict(
            Cycles(
                self.cycles,
                self.seconds,
                self.errors,
                percentile(leases, 0.5) / _PER_MILLISECOND,
                percentile(leases, 0.99) / _PER_MILLISECOND,
                percentile(verdicts, 0.5) / _PER_MILLISECOND,
                percentile(verdicts, 0.99) / _PER_MILLISECOND,
                answered=len(self.answered),
                doubled=sum(count > 1 for count in times.values()),
                server_cpu_ms=self.cpu_seconds * 1e3 / max(1, len(self.answered)),
                load_cpu=self.load_cpu,
            )
        )


def read(fields: dict[str, Any]) -> Cycles:
    """Read what a process of ours printed; JSON has null where nothing was measured."""
    nan = float("nan")
    given: dict[str, Any] = {
        name: nan if value is None else value for name, value in fields.items()
    }
    return Cycles(**given)


def merge(rounds: Sequence[Cycles]) -> Cycles:
    """Return one measurement of the same cell over several rounds.

    Counts add up; percentiles and costs are the median of the rounds' own.
    """
    heard = [one for one in rounds if one.cycles] or list(rounds)
    rates = [one.per_second for one in rounds]
    mean = fmean(rates)

    def middle(name: str) -> float:
        return float(median(getattr(one, name) for one in heard))

    def total(name: str) -> int:
        return int(sum(getattr(one, name) for one in rounds))

    return Cycles(
        cycles=total("cycles"),
        seconds=sum(one.seconds for one in rounds),
        errors=total("errors"),
        lease_p50_ms=middle("lease_p50_ms"),
        lease_p99_ms=middle("lease_p99_ms"),
        verdict_p50_ms=middle("verdict_p50_ms"),
        verdict_p99_ms=middle("verdict_p99_ms"),
        answered=total("answered"),
        doubled=total("doubled"),
        lost=total("lost"),
        server_cpu_ms=middle("server_cpu_ms"),
        database_cpu_ms=middle("database_cpu_ms"),
        load_cpu=max(one.load_cpu for one in rounds),
        spread=max(abs(rate - mean) for rate in rates) / mean if mean else 0.0,
    )
