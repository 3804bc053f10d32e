"""What optional reviews save where reviewers have time, beside a threshold alone.

    python -m bench science capacity --days 3 --seeds 5

Of 1,000 items an hour, a daily wave of ±60 %, 31 % are not certified: reviewers must answer these,
each within an hour. The error of the rest rises to 3.5 % at the threshold, 2.9 in a thousand items
in all. A reviewer does about 40 tasks an hour. Prints one row a capacity: tasks an hour, how many
mandatory tasks are late, how many answers in a thousand items are wrong, without and with optional
reviews, and what becomes of these. Routers decide by `is_worth_review` and by the review queue's
`optional_delay`, which they read every five seconds; reviewers get tasks by `turn_of`.
"""

import argparse
import heapq
import time
from collections import deque
from collections.abc import Iterable
from dataclasses import astuple, dataclass, field
from datetime import UTC, datetime, timedelta

import numpy as np
from numpy.typing import NDArray

from services.review_queue.lifecycle.lanes import saving_of, turn_of
from services.review_queue.timings.erlang import optional_delay
from shared.contracts.capacity import CapacitySettings, is_worth_review

FloatArray = NDArray[np.float64]

ITEMS_PER_HOUR, WAVE, CERTIFIED = 1_000.0, 0.6, 0.69
TASKS_PER_HOUR = 40.0
MANDATORY = ITEMS_PER_HOUR * (1 - CERTIFIED)
CAPACITIES = (360, 420, round(1.6 * MANDATORY), 600)
PRICES = CapacitySettings(price_review=1, price_error=1000)
_DUE, _WINDOW, _REFRESH = 1.0, 1.0, 5 / 3600
_START = datetime(2026, 1, 1, tzinfo=UTC)


def risk(u: FloatArray) -> FloatArray:
    """Return the chance of an error at each rank u in [0, 1], the surest first."""
    return np.asarray(0.5 * u**7.2)


def arrivals(days: float, rng: np.random.Generator) -> FloatArray:
    """Return when items come, in hours: a Poisson process whose rate goes in waves."""
    hours = 24 * days
    most = rng.poisson(ITEMS_PER_HOUR * (1 + WAVE) * hours)
    times = np.sort(rng.random(most) * hours)
    kept = (1 + WAVE * np.sin(2 * np.pi * times / 24)) / (1 + WAVE)
    return np.asarray(times[rng.random(most) < kept])


@dataclass
class Figures:
    """What came of a stretch of traffic; `wrong` is the expected number of wrong answers."""

    items: int = 0
    mandatory: int = 0
    late: int = 0
    wrong: float = 0.0
    offered: int = 0
    reviewed: int = 0

    @classmethod
    def sum(cls, parts: Iterable["Figures"]) -> "Figures":
        """Return the figures of all parts together."""
        return cls(*(sum(values) for values in zip(*map(astuple, parts), strict=True)))

    @property
    def late_share(self) -> float:
        """Share of the mandatory tasks that were taken up after they were due."""
        return self.late / self.mandatory

    @property
    def errors_per_thousand(self) -> float:
        """Wrong answers in a thousand items."""
        return 1000 * self.wrong / self.items


@dataclass
class Office:
    """Reviewers and their tasks. Times are in hours; `prices` None offers nothing.

    All `reviewers` together do `capacity` tasks an hour.
    """

    reviewers: int
    capacity: float
    prices: CapacitySettings | None
    rng: np.random.Generator
    figures: Figures = field(default_factory=Figures)
    _mandatory: list[float] = field(default_factory=list)
    _optional: list[tuple[int, float, float]] = field(default_factory=list)
    _busy_until: list[float] = field(default_factory=list)
    _recent: deque[float] = field(default_factory=deque)
    _delay: float | None = None
    _looked_at: float = -1.0

    def take(self, now: float, u: float, error: float) -> None:
        """Let an item come."""
        self.figures.items += 1
        self._work_until(now)
        if u >= CERTIFIED:
            self.figures.mandatory += 1
            heapq.heappush(self._mandatory, now)
            self._recent.append(now)
        elif self._offers(now, error):
            self.figures.offered += 1
            due_at = _START + timedelta(hours=now, seconds=PRICES.optional_wait_seconds)
            turn = turn_of("optional", due_at, _START, saving_of(1 - error))
            heapq.heappush(self._optional, (turn, now, error))
        else:
            self.figures.wrong += error
        self._assign(now)

    def close(self, now: float) -> None:
        """End the day: what waits is answered by the model, or late if it has been due."""
        self._work_until(now)
        self.figures.wrong += sum(error for _, _, error in self._optional)
        self.figures.late += sum(now - came > _DUE for came in self._mandatory)

    def _offers(self, now: float, error: float) -> bool:
        """Decide as a router does."""
        if self.prices is None or not is_worth_review(1 - error, self.prices):
            return False
        if now - self._looked_at > _REFRESH:
            self._looked_at, self._delay = now, self._forecast(now)
        return self._delay is not None and self._delay < self.prices.optional_wait_seconds

    def _forecast(self, now: float) -> float | None:
        """Forecast as the review queue does."""
        while self._recent and self._recent[0] < now - _WINDOW:
            self._recent.popleft()
        load = len(self._recent) / min(_WINDOW, max(now, _REFRESH)) / self.capacity
        return optional_delay(3600 * len(self._mandatory) / self.capacity, load)

    def _work_until(self, now: float) -> None:
        while self._busy_until and self._busy_until[0] <= now:
            self._assign(heapq.heappop(self._busy_until))

    def _assign(self, now: float) -> None:
        """Give free reviewers tasks: mandatory ones by their due date, then optional ones."""
        while len(self._busy_until) < self.reviewers and (self._mandatory or self._optional):
            if self._mandatory:
                self.figures.late += now - heapq.heappop(self._mandatory) > _DUE
            else:
                _, came, error = heapq.heappop(self._optional)
                if 3600 * (now - came) >= PRICES.optional_wait_seconds:
                    # It had expired: the model has answered.
                    self.figures.wrong += error
                    continue
                self.figures.reviewed += 1
            work = self.rng.exponential(self.reviewers / self.capacity)
            heapq.heappush(self._busy_until, now + work)


def simulate(capacity: int, days: float, seed: int, *, optional: bool) -> Figures:
    """Let the traffic of `days` come to reviewers who do `capacity` tasks an hour.

    The traffic of a seed is the same with and without optional reviews.
    """
    rng = np.random.default_rng(seed)
    times = arrivals(days, rng)
    ranks = rng.random(len(times))
    reviewers = round(capacity / TASKS_PER_HOUR)
    prices = PRICES if optional else None
    office = Office(reviewers, capacity, prices, np.random.default_rng(seed + 1))
    for now, u, error in zip(times.tolist(), ranks.tolist(), risk(ranks).tolist(), strict=True):
        office.take(now, u, error)
    office.close(24 * days)
    return office.figures


def row(capacity: int, days: float, seeds: int) -> str:
    """Simulate one line of the table."""
    started = time.perf_counter()
    without, given = (
        Figures.sum(simulate(capacity, days, seed, optional=optional) for seed in range(seeds))
        for optional in (False, True)
    )
    saved = given.errors_per_thousand / without.errors_per_thousand - 1
    return (
        f"{capacity:8} {without.late_share:8.1%} {given.late_share:8.1%}"
        f" {without.errors_per_thousand:8.2f} {given.errors_per_thousand:8.2f} {saved:7.0%}"
        f" {given.offered / given.items:8.1%} {given.reviewed / given.offered:9.1%}"
        f" {time.perf_counter() - started:6.1f} s"
    )


def main(arguments: list[str] | None = None) -> None:
    """Print the table; `arguments` None means those of the command line."""
    parser = argparse.ArgumentParser(description="what optional reviews save")
    parser.add_argument("--days", type=float, default=3)
    parser.add_argument("--seeds", type=int, default=5)
    asked = parser.parse_args(arguments)
    print(f"{'':8} {'late mandatory':>17} {'errors per thousand':>25} {'optional':>18}")
    print(
        f"capacity {'without':>8} {'with':>8} {'without':>8} {'with':>8} {'':7}"
        f" {'offered':>8} {'reviewed':>9}   time"
    )
    for capacity in CAPACITIES:
        print(row(capacity, asked.days, asked.seeds), flush=True)


if __name__ == "__main__":
    main()
