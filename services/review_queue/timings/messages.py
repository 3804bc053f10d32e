"""What is said of times."""

from typing import Annotated

from pydantic import Field

from services.review_queue.lifecycle.tasks.messages import QueueDepth
from services.review_queue.timings.steps import Step
from shared.contracts.base import Message

Seconds = Annotated[float, Field(ge=0)]


class StepTiming(Message):
    """One step of an item's way: over how many items, in seconds, and its share of all time."""

    step: Step
    count: int
    mean_seconds: Seconds
    p50_seconds: Seconds
    p90_seconds: Seconds
    p99_seconds: Seconds
    share: float = Field(ge=0, le=1)


class Cost(Message):
    """What the answers cost; money in the currency of `per_hour`, null where nothing was given.

    A corrected error is an outcome that differs from what the model had said.
    """

    per_hour: float
    verdicts: int
    active_seconds: Seconds
    corrected_errors: int
    per_verdict: float | None
    per_corrected_error: float | None


class Timings(Message):
    """Where the time of the newest resolved items went. `bottleneck` is the step with most of it.

    `deciding` is the router's, `handing_over` from its decision to the task; a task is `waiting`
    until its first lease; leases that were answered are `active` or `idle`, from the moment when
    their reviewer had answered all that came before; `agreeing` lasts from the first verdict to the
    outcome; `collecting` from there until a version has learned from it,
    `publishing` until that version is live.
    """

    items: int
    steps: list[StepTiming]
    bottleneck: Step | None
    cost: Cost | None


class QueueForecast(QueueDepth):
    """What waits, and how long a task that comes now is going to wait.

    Rates are tasks a second over the last `window_seconds`: arrivals, resolved tasks, and what one
    reviewer can do, which is answers by the time in which he held any task, however many at once.
    `expected_wait_seconds` is Erlang's, for tasks that come at random; null when nobody has
    answered in that time, or when more comes than all can do. `backlog_seconds` is the time that
    what waits now takes them: by Little's law the wait of a task behind all others.
    `mandatory_load` is the share of the reviewers' time that mandatory tasks need; above 1 they
    cannot keep up.
    """

    window_seconds: Seconds
    reviewers: int
    arrival_rate: Seconds
    resolution_rate: Seconds
    service_rate: Seconds | None
    expected_wait_seconds: Seconds | None
    backlog_seconds: Seconds | None
    mandatory_load: float | None
