"""Messages about many projects at once."""

from shared.contracts.base import Message, UtcTime


class ProjectFigures(Message):
    """What a list of projects shows of one.

    `waiting` tasks are open or leased; `leased` of them are held now; `adjudication` counts those
    that wait for an adjudicator instead. `oldest_at` is the creation of the oldest waiting task.
    `answers` are verdicts since the list's `since` that stand, without skips and without gold.
    None of `waiting`, `adjudication` and `answers` is counted beyond `counted_to`: that number
    means so many or more.
    """

    project: str
    title: str
    revision: int
    labels: int
    created_at: UtcTime
    archived_at: UtcTime | None
    waiting: int
    leased: int
    adjudication: int
    oldest_at: UtcTime | None
    answers: int
    counted_to: int


class FlowBucket(Message):
    """What came and was answered from `since` on, for the series' step.

    `arrived` tasks were created; `answers` are verdicts that stand, without skips and gold.
    """

    since: UtcTime
    arrived: int
    answers: int


class FlowSeries(Message):
    """Arrivals against answers over time, oldest first; empty buckets are there too.

    `complete` is false if there was more than is counted: then the newest of it is.
    """

    step_seconds: int
    buckets: list[FlowBucket]
    complete: bool


class Overview(Message):
    """A page of projects with their figures, by name."""

    projects: list[ProjectFigures]
    since: UtcTime
    cursor: str | None
