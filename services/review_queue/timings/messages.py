"""Messages of times."""

from services.review_queue.lifecycle.messages import QueueDepth
from services.review_queue.timings.steps import Seconds, Step, StepTiming
from shared.contracts.base import Message


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
    reviewer can do: answers by the time in which the reviewer held any task.
    `expected_wait_seconds` is Erlang's, for tasks that come at random; null when no reviewer
    answered in that time, or when more comes than all can do. `backlog_seconds` is the time that
    what waits now takes them: by Little's law the wait of a task behind all others.
    Optional tasks that expire make no other task wait. `mandatory_load` is the share of the
    reviewers' time that mandatory tasks need; above 1 they cannot keep up.
    `optional_delay_seconds` is how long it takes until the mandatory tasks and the evidence that
    wait now are done, while mandatory tasks go on coming: no optional task is reached before. It is
    null when no reviewer answered in that time, or when mandatory tasks need all of it.
    """

    window_seconds: Seconds
    reviewers: int
    arrival_rate: Seconds
    resolution_rate: Seconds
    service_rate: Seconds | None
    expected_wait_seconds: Seconds | None
    backlog_seconds: Seconds | None
    mandatory_load: float | None
    optional_delay_seconds: Seconds | None
