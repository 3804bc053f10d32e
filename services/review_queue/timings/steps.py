"""An item's way from arrival to a live version, as steps that take seconds (pure)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Literal, get_args

from pydantic import Field

from shared.contracts.base import Message

Seconds = Annotated[float, Field(ge=0)]
Step = Literal[
    "deciding", "handing_over", "waiting", "active", "idle", "agreeing", "collecting", "publishing"
]
STEPS: tuple[Step, ...] = get_args(Step)


@dataclass(frozen=True)
class Publication:
    """A version that has learned from the outcomes up to `position`, and when it was live."""

    position: int
    made_at: datetime
    live_at: datetime


@dataclass(frozen=True)
class Way:
    """The moments of one resolved task; None for what did not happen, or is not known.

    `active` are the seconds that reviewers were at work on it, `held` those that they had it
    before them: not those in which it lay behind another that they held.
    """

    received_at: datetime | None
    decided_at: datetime | None
    created_at: datetime
    leased_at: datetime | None
    first_verdict_at: datetime | None
    resolved_at: datetime
    position: int | None
    active: float | None = None
    held: float | None = None


class StepTiming(Message):
    """One step of an item's way: over how many items, in seconds, and its share of all time."""

    step: Step
    count: int
    mean_seconds: Seconds
    p50_seconds: Seconds
    p90_seconds: Seconds
    p99_seconds: Seconds
    share: float = Field(ge=0, le=1)


def seconds_of(way: Way, publications: Sequence[Publication]) -> dict[Step, float]:
    """Return how long each step took; steps that are not known are left out.

    `publications` are in the order of their positions.
    """
    found: dict[Step, float | None] = {
        "deciding": _between(way.received_at, way.decided_at),
        "handing_over": _between(way.decided_at, way.created_at),
        "waiting": _between(way.created_at, way.leased_at),
        "active": way.active,
        "idle": None if way.held is None else max(0.0, way.held - (way.active or 0.0)),
        "agreeing": _between(way.first_verdict_at, way.resolved_at),
    }
    at = way.position
    learned = next((p for p in publications if at is not None and at <= p.position), None)
    if learned is not None:
        found["collecting"] = _between(way.resolved_at, learned.made_at)
        found["publishing"] = _between(learned.made_at, learned.live_at)
    return {step: seconds for step, seconds in found.items() if seconds is not None}


def _between(since: datetime | None, until: datetime | None) -> float | None:
    if since is None or until is None:
        return None
    # Clocks of two machines may differ: no step takes less than nothing.
    return max(0.0, (until - since).total_seconds())


def summarise(ways: Sequence[Mapping[Step, float]]) -> list[StepTiming]:
    """Return the percentiles of each step that any of `ways` has, in the order of the steps."""
    by_step = {step: [way[step] for way in ways if step in way] for step in STEPS}
    total = sum(map(sum, by_step.values()))
    return [_timing(step, sorted(seconds), total) for step, seconds in by_step.items() if seconds]


def _timing(step: Step, ordered: list[float], total: float) -> StepTiming:
    whole = sum(ordered)
    return StepTiming(
        step=step,
        count=len(ordered),
        mean_seconds=whole / len(ordered),
        p50_seconds=_quantile(ordered, 0.5),
        p90_seconds=_quantile(ordered, 0.9),
        p99_seconds=_quantile(ordered, 0.99),
        share=whole / total if total else 0.0,
    )


def _quantile(ordered: list[float], part: float) -> float:
    """Return a quantile, linear between the two nearest values (type 7 of Hyndman & Fan 1996)."""
    place = part * (len(ordered) - 1)
    below = int(place)
    above = min(below + 1, len(ordered) - 1)
    return ordered[below] + (place - below) * (ordered[above] - ordered[below])


def bottleneck(timings: Sequence[StepTiming]) -> Step | None:
    """Return the step that most of the time goes into; None without any."""
    longest = max(timings, key=lambda one: one.share, default=None)
    return None if longest is None else longest.step
