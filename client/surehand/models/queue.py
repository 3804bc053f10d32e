"""The queue: what waits, how fast it is answered, and whether the reviewers keep up."""

from datetime import datetime
from typing import Any

from surehand.models.base import Model


class LaneDepth(Model):
    """What waits in one lane."""

    lane: str
    open: int
    leased: int
    oldest_seconds: float


class UncoveredNeeds(Model):
    """Tags that a reviewer must have, all of them, for so many tasks that wait."""

    tags: list[str]
    waiting: int


class QueueForecast(Model):
    """What waits, and how fast it is answered; rates are tasks a second.

    The figures are of the last `window_seconds`. None says that there is nothing to tell it by.
    `uncovered` counts waiting tasks whose needs no reviewer's tags cover.
    """

    lanes: list[LaneDepth]
    open: int
    leased: int
    adjudication: int = 0
    uncovered: int = 0
    uncovered_needs: list[UncoveredNeeds] = []
    window_seconds: float
    reviewers: int
    arrival_rate: float
    resolution_rate: float
    service_rate: float | None = None
    expected_wait_seconds: float | None = None
    backlog_seconds: float | None = None
    mandatory_load: float | None = None
    optional_delay_seconds: float | None = None


class OverloadAct(Model):
    """What an operator can do if reviewers do not keep up: `words`, and the call that does it."""

    act: str
    words: str
    route: str | None = None
    body: dict[str, Any] | None = None


class CapacityForecast(Model):
    """Whether the reviewers keep up, in hours a day; `state` and `sentence` say it."""

    state: str
    sentence: str
    days: float
    reviewers: int
    hours_per_day: float | None = None
    needed_hours_per_day: float | None = None
    utilisation: float | None = None
    utilisation_interval: tuple[float, float] | None = None
    expected_wait_seconds: float | None = None
    acts: list[OverloadAct] = []


class StepTiming(Model):
    """How long one step from an item's arrival to the live version takes."""

    step: str
    count: int
    mean_seconds: float
    p50_seconds: float
    p90_seconds: float
    p99_seconds: float
    share: float


class Timings(Model):
    """Where the time goes, step by step."""

    items: int
    steps: list[StepTiming]
    bottleneck: str | None = None


class FlowBucket(Model):
    """What came, and how many answers were given, from `since` on for one step."""

    since: datetime
    arrived: int
    answers: int


class FlowSeries(Model):
    """Arrivals against answers, oldest first; not all of them unless `complete`."""

    step_seconds: int
    buckets: list[FlowBucket]
    complete: bool = True


class AgeBucket(Model):
    """How many waiting tasks are at least `from_seconds` old, and younger than `to_seconds`."""

    from_seconds: float
    to_seconds: float | None = None
    waiting: int


class QueueAges(Model):
    """The waiting tasks by age, youngest first; not all of them unless `complete`."""

    buckets: list[AgeBucket]
    complete: bool = True
