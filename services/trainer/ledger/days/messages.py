"""Bodies of decisions a day."""

from datetime import date

from shared.contracts.base import Message


class ReasonDay(Message):
    """How many decisions of a day (UTC) had a reason; the day is that of their receipt."""

    day: date
    reason: str
    decisions: int


class ConfidenceBin(Message):
    """How many decisions had a confidence from `lowest` to below `highest`."""

    lowest: float
    highest: float
    decisions: int


class DecisionDays(Message):
    """The answer of ``GET …/decisions/days``, oldest first; days without decisions are left out.

    `confidences` is a histogram over all of these days; its bins rise, and all are there.
    """

    days: list[ReasonDay]
    confidences: list[ConfidenceBin]


class AnsweredDay(Message):
    """How many decisions there were on a day, and how many of them the model answered."""

    day: date
    decisions: int
    answered: int


class ProjectDays(Message):
    """The days of one project on which there were decisions, oldest first."""

    project: str
    days: list[AnsweredDay]


class DaysOfProjects(Message):
    """The answer of ``GET /v1/decisions/days``: the projects that were named, in that order."""

    projects: list[ProjectDays]
