"""The forecast of a project's capacity as a use case."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from services.review_queue.lifecycle.tasks.service import TaskService
from services.review_queue.projects.reading import current_project
from services.review_queue.timings import repository
from services.review_queue.timings.holding import LeaseInterval, busy_seconds
from services.review_queue.timings.load import (
    SECONDS_PER_HOUR,
    Workforce,
    arrivals_of,
    hours_of,
    load_of,
    sentence_of,
)
from services.review_queue.timings.messages import CapacityForecast
from services.review_queue.timings.overload import acts_of
from shared.contracts.projects import Project
from shared.contracts.tasks import EVIDENCE_LANES
from shared.db import Database

_NEWEST_LEASES = 10_000
# So many tasks a day no reviewers keep up with, whatever the count beyond.
_MOST_A_DAY = 100_000
_DAY = timedelta(days=1)
_LEAST = timedelta(hours=1)


@dataclass(frozen=True)
class CapacityService:
    """Compares what must be answered with what reviewers can do."""

    database: Database
    tasks: TaskService
    now: Callable[[], datetime]

    async def forecast(self, name: str, days: int) -> CapacityForecast:
        """Return whether the reviewers keep up, by the last `days`; `NotFound` without a project.

        Each query reads a bounded number of rows.
        """
        depth, now = await self.tasks.depth(name), self.now()
        async with self.database.reading() as session:
            project = await current_project(session, name)
            each, counted = _stretches(project, days, now)
            counts = [
                await repository.arrived(session, name, until - each, until, _MOST_A_DAY)
                for until in (now - each * i for i in range(counted))
            ]
            since = now - each * counted
            held = await repository.held_since(session, name, since, _NEWEST_LEASES)
            answers_each = await repository.answers_each(session, name, _NEWEST_LEASES)
        work = _Work(
            counts=counts,
            days_each=each / _DAY,
            answers_each=max(float(project.review.overlap), answers_each or 1.0),
            reviewers=len({one.reviewer for one in held}),
            waiting=depth.open_before_optional,
        )
        return _forecast(project, work, _workforce(project, held, since, now))


def _stretches(project: Project, days: int, now: datetime) -> tuple[timedelta, int]:
    """Return how long the stretches are in which arrivals are counted, and how many they are.

    They are days, but for a project that is younger than one.
    """
    age = max(now - project.created_at, _LEAST)
    return (_DAY, min(days, age // _DAY)) if age >= _DAY else (age, 1)


def _workforce(
    project: Project, held: Sequence[LeaseInterval], since: datetime, now: datetime
) -> Workforce:
    busy = busy_seconds(held)
    if len(held) == _NEWEST_LEASES:
        since = min(one.since for one in held)
    estimated = hours_of(busy, max(now - since, _LEAST) / _DAY)
    stated = project.capacity.reviewer_hours_per_day
    return Workforce(
        hours_per_day=estimated if stated is None else stated,
        answers_per_hour=len(held) / busy * SECONDS_PER_HOUR if busy > 0 else None,
    )


def _forecast(project: Project, work: "_Work", people: Workforce) -> CapacityForecast:
    arrivals = arrivals_of(work.daily("mandatory", *EVIDENCE_LANES), days_each=work.days_each)
    load, capacity = load_of(arrivals, work.answers_each, people), people.answers_per_day
    optional = work.per_day("optional")
    acts = []
    if load is not None and load.upper > 1:
        others = work.per_day("pool", "relabel")
        acts = acts_of(project, load, optional_per_day=optional, other_elective_per_day=others)
    return CapacityForecast(
        days=len(work.counts) * work.days_each,
        arrivals=arrivals,
        mandatory_per_day=work.per_day("mandatory"),
        evidence_per_day=work.per_day(*EVIDENCE_LANES),
        optional_per_day=optional,
        answers_each=work.answers_each,
        reviewers=work.reviewers,
        answers_per_hour=people.answers_per_hour,
        hours_per_day=people.hours_per_day,
        hours_basis=_basis(project, people),
        needed_hours_per_day=None if load is None else load.hours_per_day,
        utilisation=None if load is None else load.utilisation,
        utilisation_interval=None if load is None else (load.lower, load.upper),
        expected_wait_seconds=None if load is None else load.expected_wait_seconds,
        backlog_days=work.waiting * work.answers_each / capacity if capacity else None,
        state="unknown" if load is None else load.state,
        sentence=sentence_of(load, people),
        acts=acts,
    )


def _basis(project: Project, people: Workforce) -> Literal["stated", "estimated"] | None:
    if people.hours_per_day is None:
        return None
    return "estimated" if project.capacity.reviewer_hours_per_day is None else "stated"


@dataclass(frozen=True)
class _Work:
    """What has come and what waits.

    `counts` has the arrivals by lane of each stretch of `days_each` days; `waiting` are the open
    tasks that must be answered.
    """

    counts: Sequence[Mapping[str, int]]
    days_each: float
    answers_each: float
    reviewers: int
    waiting: int

    def daily(self, *lanes: str) -> list[int]:
        """Return the arrivals of these lanes in each stretch."""
        return [sum(one.get(lane, 0) for lane in lanes) for one in self.counts]

    def per_day(self, *lanes: str) -> float:
        """Return how many tasks of these lanes came a day."""
        return sum(self.daily(*lanes)) / len(self.counts) / self.days_each
