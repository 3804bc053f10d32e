"""The router's targets, each a ratio within one run, and whether they hold. Pure."""

from collections.abc import Callable
from dataclasses import dataclass

from bench.serving.measurement import Measurement
from bench.serving.results import ALONE, BATCH, BUSY, SINGLE, Results

_SWAPS = 100
_WORKERS = 2
_SHARED = "one core was the load generator's too"


@dataclass(frozen=True)
class Verdict:
    """One target. `held` None: this run does not tell, and `figure` says why."""

    target: str
    figure: str
    held: bool | None

    @property
    def word(self) -> str:
        """The verdict in the table."""
        return {True: "held", False: "missed", None: "not told"}[self.held]


@dataclass(frozen=True)
class Ratio:
    """A figure of one row against the same figure of another, and the bound that it must keep.

    `bound` is a floor where `at_least`, else a ceiling.
    """

    target: str
    of: str
    against: str
    cell: tuple[int, int]
    figure: Callable[[Measurement], float]
    bound: float
    at_least: bool

    def judge(self, results: Results) -> Verdict:
        """Compare the two rows."""
        ours, theirs = (results.cell(key, *self.cell) for key in (self.of, self.against))
        if ours is None or theirs is None:
            return Verdict(self.target, "a row is missing", None)
        return judge(self.target, self.figure(ours), self.figure(theirs), self.bound,
                      at_least=self.at_least)  # fmt: skip


def judge(target: str, ours: float, theirs: float, bound: float, *, at_least: bool) -> Verdict:
    """Hold one figure's ratio to another against its bound: a floor where `at_least`."""
    if theirs <= 0:
        return Verdict(target, "nothing to compare with", None)
    ratio = ours / theirs
    return Verdict(target, f"{ratio:.2f}x", ratio >= bound if at_least else ratio <= bound)


def _rate(measured: Measurement) -> float:
    return measured.requests_per_second


def _p50(measured: Measurement) -> float:
    return measured.p50_ms


def _p99(measured: Measurement) -> float:
    return measured.p99_ms


_ONE, _MANY, _UNLOADED = (SINGLE, BUSY), (BATCH, BUSY), (SINGLE, ALONE)
RATIOS = (
    Ratio("throughput ≥ 0.9x bare", "surehand", "bare", _ONE, _rate, 0.9, at_least=True),
    Ratio("throughput ≥ 1.5x FastAPI", "surehand", "fastapi", _ONE, _rate, 1.5, at_least=True),
    Ratio("throughput ≥ 3x MLServer", "surehand", "mlserver", _ONE, _rate, 3.0, at_least=True),
    Ratio("p99 ≤ 1.2x bare", "surehand", "bare", _ONE, _p99, 1.2, at_least=False),
    Ratio("unloaded p50 ≤ 1.4x bare", "surehand", "bare", _UNLOADED, _p50, 1.4, at_least=False),
    Ratio("small model: throughput ≥ 0.95x bare", "surehand-small", "bare-small", _ONE, _rate, 0.95,
          at_least=True),
    Ratio("small model: unloaded p50 ≤ 1.3x bare", "surehand-small", "bare-small", _UNLOADED, _p50,
          1.3, at_least=False),
    Ratio("64 items: ≥ 0.85x bare", "surehand", "bare", _MANY, _rate, 0.85, at_least=True),
    Ratio("in review: throughput ≥ 0.3x answered", "own-review", "own-answered", _ONE, _rate, 0.3,
          at_least=True),
    Ratio("in review: p99 ≤ 4x answered", "own-review", "own-answered", _ONE, _p99, 4.0,
          at_least=False),
)  # fmt: skip


def evaluate(results: Results) -> list[Verdict]:
    """Judge every target."""
    return [
        *(ratio.judge(results) for ratio in RATIOS),
        _workers(results),
        _memory(results),
        *_swaps(results),
    ]


def _workers(results: Results) -> Verdict:
    """Two workers against one; with the deep model where the load generator needs a core of theirs.

    A request of the deep model takes a server tens of times as long as the load generator, so they
    have nearly all of both cores.
    """
    target = "two workers ≥ 1.8x one, on two free cores"
    light = _gain(target, results, "own-answered", "own-workers")
    if results.free_cores >= _WORKERS or light.held:
        return light
    deep = _gain(target, results, "own-deep", "own-deep-workers")
    if deep.held is None:
        return Verdict(
            target, f"{light.figure}, but {_SHARED}; the deep model: {deep.figure}", None
        )
    figure = f"{deep.figure} with the deep model; {light.figure} with the other, where {_SHARED}"
    return Verdict(target, figure, deep.held)


def _gain(target: str, results: Results, of_one: str, of_two: str) -> Verdict:
    one, two = (results.cell(key, *_ONE) for key in (of_one, of_two))
    if one is None or two is None:
        left_out = [row.left_out for key in (of_one, of_two) if (row := results.rows.get(key))]
        return Verdict(target, next(filter(None, left_out), "a row is missing"), None)
    return judge(target, _rate(two), _rate(one), 1.8, at_least=True)


def _memory(results: Results) -> Verdict:
    target = "memory of one worker ≤ 1.6x bare"
    ours, theirs = results.rows.get("surehand"), results.rows.get("bare")
    if ours is None or theirs is None or ours.rss is None or theirs.rss is None:
        return Verdict(target, "a row is missing", None)
    return judge(target, ours.rss, theirs.rss, 1.6, at_least=False)


def _swaps(results: Results) -> list[Verdict]:
    failed, slower = f"no failed request over {_SWAPS} swaps", "p99 during a swap ≤ 2x without"
    swaps = results.swaps
    if swaps is None or not swaps.count:
        return [Verdict(name, "no swap was measured", None) for name in (failed, slower)]
    told = swaps.failed > 0 or swaps.count >= _SWAPS
    return [
        Verdict(failed, f"{swaps.failed} failed over {swaps.count} swaps",
                swaps.failed == 0 if told else None),
        judge(slower, swaps.p99_during_ms, swaps.p99_without_ms, 2.0, at_least=False),
    ]  # fmt: skip
