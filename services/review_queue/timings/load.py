"""The load that must be answered against the reviewers' capacity, and what helps (pure).

Arrivals are compared by whole days. Their interval allows for more variation between days than
independent arrivals have: a busy Monday is no proof of a busy week.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from services.review_queue.timings.erlang import mean_wait
from shared.contracts.base import Message

SECONDS_PER_DAY = 86_400.0
SECONDS_PER_HOUR = 3600.0
# Two-sided, 95 %, of the normal distribution.
_Z = 1.959964


class ArrivalRate(Message):
    """Tasks a day, and their interval with 95 % confidence."""

    per_day: float
    lower: float
    upper: float


def arrivals_of(counts: Sequence[int], *, days_each: float = 1.0) -> ArrivalRate:
    """Return the arrivals a day with their interval; Wald's, with the larger variance.

    Parameters
    ----------
    counts : arrivals in each of one or more equal stretches of time
    days_each : how long each stretch is, above 0

    Raises
    ------
    ValueError
        There is no stretch.

    Examples
    --------
    >>> arrivals_of([100, 100, 100, 100])
    ArrivalRate(per_day=100.0, lower=90.20018, upper=109.79982)
    """
    if not counts:
        raise ValueError("there is at least one stretch of time")
    n = len(counts)
    mean = sum(counts) / n
    between = sum((one - mean) ** 2 for one in counts) / (n - 1) if n > 1 else 0.0
    half = _Z * math.sqrt(max(mean, between) / n)
    lower, upper = max(0.0, mean - half), mean + half
    return ArrivalRate(
        per_day=mean / days_each,
        lower=round(lower / days_each, 6),
        upper=round(upper / days_each, 6),
    )


@dataclass(frozen=True)
class Workforce:
    """The reviewers' time: hours a day of all together, and answers an hour of one of them.

    `answers_per_hour` is of the time in which a reviewer holds a task; None: none has answered.
    """

    hours_per_day: float | None
    answers_per_hour: float | None

    @property
    def answers_per_day(self) -> float | None:
        """What the reviewers can answer in a day; None where it is not known."""
        if self.hours_per_day is None or self.answers_per_hour is None:
            return None
        return self.hours_per_day * self.answers_per_hour


@dataclass(frozen=True)
class Load:
    """The reviewers' time that tasks take which must be answered.

    `utilisation` is its share of the hours there are, `lower` and `upper` for the interval of the
    arrivals. `expected_wait_seconds` is Erlang's for hours that are spread over the day; None where
    it grows without end.
    """

    hours_per_day: float
    utilisation: float
    lower: float
    upper: float
    expected_wait_seconds: float | None

    @property
    def is_overloaded(self) -> bool:
        """Whether more must be answered than can be."""
        return self.utilisation > 1

    @property
    def state(self) -> Literal["keeps_up", "tight", "overloaded"]:
        """Whether the reviewers keep up; `tight` where the interval says that they may not."""
        if self.is_overloaded:
            return "overloaded"
        return "tight" if self.upper > 1 else "keeps_up"

    @property
    def missing_hours_per_day(self) -> float:
        """The hours a day that are missing, 0 where none are."""
        if not self.is_overloaded:
            return 0.0
        return self.hours_per_day * (1 - 1 / self.utilisation)


def load_of(arrivals: ArrivalRate, answers_each: float, workforce: Workforce) -> Load | None:
    """Return the load of tasks that must be answered; None where the capacity is not known, or 0.

    Parameters
    ----------
    answers_each : at least 1
        Answers that a task takes.
    """
    capacity = workforce.answers_per_day
    if not capacity or workforce.answers_per_hour is None:
        return None
    wanted = arrivals.per_day * answers_each
    return Load(
        hours_per_day=wanted / workforce.answers_per_hour,
        utilisation=wanted / capacity,
        lower=arrivals.lower * answers_each / capacity,
        upper=arrivals.upper * answers_each / capacity,
        expected_wait_seconds=mean_wait(1, wanted / SECONDS_PER_DAY, capacity / SECONDS_PER_DAY),
    )


def hours_of(busy_seconds: float, days: float) -> float | None:
    """Return the hours a day that reviewers held tasks in; None where they held none."""
    return busy_seconds / SECONDS_PER_HOUR / days if busy_seconds > 0 else None


def sentence_of(load: Load | None, workforce: Workforce) -> str:
    """Say the forecast in words."""
    if load is None:
        if workforce.answers_per_hour is None:
            return "Not known: no reviewer has answered in this time."
        return "Not known: the project states no hours of reviewers a day, or 0."
    share = f"{load.utilisation:.0%} ({load.lower:.0%} to {load.upper:.0%})"
    needed = f"what must be answered takes {_span(load.hours_per_day)} a day, {share} of"
    hours = f"the {_span(workforce.hours_per_day)} that there are"
    ends = {
        "keeps_up": "Reviewers keep up",
        "tight": "Reviewers may fall behind",
        "overloaded": "Reviewers fall behind",
    }
    return f"{ends[load.state]}: {needed} {hours}."


def _span(hours: float | None) -> str:
    """Return hours in words, less than one in minutes."""
    given = hours or 0.0
    return f"{given:.1f} hours" if given >= 1 else f"{60 * given:.0f} minutes"
