"""Messages of times."""

from typing import Annotated, Any, Literal

from pydantic import AfterValidator

from services.review_queue.lifecycle.messages import QueueDepth
from services.review_queue.timings.load import ArrivalRate
from services.review_queue.timings.steps import Seconds, Step, StepTiming
from shared.contracts.base import Message

# Nothing is waited for that long that a millisecond mattered.
WaitSeconds = Annotated[Seconds, AfterValidator(lambda seconds: round(seconds, 3))]


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


class OverloadAct(Message):
    """Something that an operator can do about too much review; `body` is an example."""

    act: Literal[
        "drop_optional",
        "lower_active_learning",
        "page_reviewers",
        "extend_deadlines",
        "weaken_promise",
    ]
    words: str
    route: str | None
    body: dict[str, Any] | None


class CapacityForecast(Message):
    """Whether the reviewers keep up with what must be answered.

    `arrivals` are those of mandatory tasks and of evidence, which both must be answered, over the
    last `days`, or since the project was created. `hours_basis` is `stated` where the project
    states `reviewer_hours_per_day`, `estimated` where they are the hours in which reviewers held
    tasks, a lower bound while tasks were few. `answers_each` is how many answers a task takes.
    `utilisation` is the needed share of the hours, `utilisation_interval` that of the arrivals'
    interval; above 1 the reviewers cannot keep up, and `expected_wait_seconds` is null. The wait is
    that of hours spread over the day. `backlog_days` is the time that what waits now takes. `acts`
    are in the order in which they give up least; they are empty while the reviewers keep up.
    """

    days: float
    arrivals: ArrivalRate
    mandatory_per_day: float
    evidence_per_day: float
    optional_per_day: float
    answers_each: float
    reviewers: int
    answers_per_hour: float | None
    hours_per_day: float | None
    hours_basis: Literal["stated", "estimated"] | None
    needed_hours_per_day: float | None
    utilisation: float | None
    utilisation_interval: tuple[float, float] | None
    expected_wait_seconds: WaitSeconds | None
    backlog_days: float | None
    state: Literal["unknown", "keeps_up", "tight", "overloaded"]
    sentence: str
    acts: list[OverloadAct]


class UncoveredNeeds(Message):
    """Tags that a reviewer must have, all of them, for so many tasks that wait."""

    tags: list[str]
    waiting: int


class QueueForecast(QueueDepth):
    """What waits, and how long a task that comes now is going to wait.

    Rates are tasks a second over the last `window_seconds`: arrivals, resolved tasks, and what one
    reviewer can do: answers by the time in which the reviewer held any task. The members that end
    with `per_hour` are the same rates, in tasks an hour. Seconds are rounded to milliseconds.
    `expected_wait_seconds` is Erlang's, for tasks that come at random; null when no reviewer
    answered in that time, or when more comes than all can do. `backlog_seconds` is the time that
    what waits now takes them: by Little's law the wait of a task behind all others.
    Optional tasks that expire make no other task wait. `mandatory_load` is the share of the
    reviewers' time that mandatory tasks need; above 1 they cannot keep up.
    `optional_delay_seconds` is how long it takes until the mandatory tasks and the evidence that
    wait now are done, while mandatory tasks go on coming: no optional task is reached before. It is
    null when no reviewer answered in that time, or when mandatory tasks need all of it.
    `uncovered` tasks wait that no reviewer can take: the tags of none, but for those who are
    paused, cover what they need. `uncovered_needs` are the commonest of these.
    """

    uncovered: int
    uncovered_needs: list[UncoveredNeeds]
    window_seconds: Seconds
    reviewers: int
    arrival_rate: Seconds
    resolution_rate: Seconds
    service_rate: Seconds | None
    arrivals_per_hour: Seconds
    resolved_per_hour: Seconds
    answers_per_reviewer_hour: Seconds | None
    expected_wait_seconds: WaitSeconds | None
    backlog_seconds: WaitSeconds | None
    mandatory_load: float | None
    optional_delay_seconds: WaitSeconds | None
