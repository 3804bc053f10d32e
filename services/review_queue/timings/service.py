"""Times as use cases: what the past took, and what the next task may expect."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import chain, islice
from typing import Any

from services.review_queue.lifecycle.needs import tags_in
from services.review_queue.lifecycle.tasks.service import TaskService
from services.review_queue.projects.reading import current_project
from services.review_queue.quality.tags.repository import uncovered
from services.review_queue.timings import repository
from services.review_queue.timings.erlang import mean_wait, optional_delay
from services.review_queue.timings.holding import busy_seconds
from services.review_queue.timings.load import SECONDS_PER_HOUR
from services.review_queue.timings.messages import Cost, QueueForecast, Timings, UncoveredNeeds
from services.review_queue.timings.publications import Publications
from services.review_queue.timings.steps import Way, bottleneck, seconds_of, summarise
from shared.contracts.base import from_stored
from shared.contracts.tasks import TaskPrediction
from shared.db import Database, Row, Session

_NEWEST = 10_000
_TASKS_AT_ONCE = 500
_SECOND = timedelta(seconds=1)
_SHOWN_NEEDS = 20


@dataclass(frozen=True)
class TimingService:
    """Measures the process from its own records."""

    database: Database
    tasks: TaskService
    publications: Publications
    now: Callable[[], datetime]

    async def timings(
        self, project: str, *, since: datetime | None, cost_per_hour: float | None
    ) -> Timings:
        """Return where the time of the newest 10,000 resolved items went; `NotFound` as ever."""
        async with self.database.reading() as session:
            await current_project(session, project)
            rows = await repository.resolved(session, project, since, _NEWEST)
            given = await _answers(session, [row.task_id for row in rows])
        published = await self.publications.of(project)
        ways = [_way(row, given.get(row.task_id, [])) for row in rows]
        steps = summarise([seconds_of(way, published) for way in ways])
        return Timings(
            items=len(rows),
            steps=steps,
            bottleneck=bottleneck(steps),
            cost=None if cost_per_hour is None else _cost(rows, given, cost_per_hour),
        )

    async def forecast(self, name: str, window: timedelta) -> QueueForecast:
        """Return what waits, and how long a task that comes now is going to wait."""
        depth, since = await self.tasks.depth(name), self.now() - window
        async with self.database.reading() as session:
            project = await current_project(session, name)
            flow = await repository.flow(session, name, since)
            held = await repository.held_since(session, name, since, _NEWEST)
            missing = await uncovered(session, name)
        seconds = window.total_seconds()
        busy = busy_seconds(held)
        service_rate = len(held) / busy if busy > 0 else None
        arrivals = flow.arrived / seconds
        # A task is as many pieces of work as it needs verdicts.
        each = float(project.review.overlap)
        if flow.resolved:
            each = max(1.0, flow.verdicts / flow.resolved)
        expected = backlog = load = delay = None
        if service_rate is not None and flow.reviewers:
            lasting = (flow.arrived - flow.optional_arrived) / seconds
            expected = mean_wait(flow.reviewers, lasting * each, service_rate)
            capacity = flow.reviewers * service_rate
            backlog = depth.open * each / capacity
            load = flow.mandatory_arrived / seconds * each / capacity
            delay = optional_delay(depth.open_before_optional * each / capacity, load)
        return QueueForecast(
            **dict(depth),
            **_uncovered(missing),
            window_seconds=seconds,
            reviewers=flow.reviewers,
            arrival_rate=arrivals,
            resolution_rate=flow.resolved / seconds,
            service_rate=service_rate,
            arrivals_per_hour=_per_hour(arrivals),
            resolved_per_hour=_per_hour(flow.resolved / seconds),
            answers_per_reviewer_hour=None if service_rate is None else _per_hour(service_rate),
            expected_wait_seconds=expected,
            backlog_seconds=backlog,
            mandatory_load=load,
            optional_delay_seconds=delay,
        )


def _uncovered(missing: Mapping[str, int]) -> dict[str, Any]:
    shown = [
        UncoveredNeeds(tags=tags_in(needs), waiting=number)
        for needs, number in islice(missing.items(), _SHOWN_NEEDS)
    ]
    return {"uncovered": sum(missing.values()), "uncovered_needs": shown}


def _per_hour(rate: float) -> float:
    return round(rate * SECONDS_PER_HOUR, 1)


async def _answers(session: Session, task_ids: Sequence[str]) -> dict[str, list[Row]]:
    """Return the answers to each of the tasks, by task."""
    given: dict[str, list[Row]] = {}
    for start in range(0, len(task_ids), _TASKS_AT_ONCE):
        some = task_ids[start : start + _TASKS_AT_ONCE]
        for answer in await repository.answers(session, some):
            given.setdefault(answer.task_id, []).append(answer)
    return given


def _way(row: Row, answers: Sequence[Row]) -> Way:
    prediction = from_stored(TaskPrediction, row.prediction or {})
    active = [answer.active_seconds for answer in answers if answer.active_seconds is not None]
    held = [
        (answer.given_at - max(answer.leased_at, answer.answered_at or answer.leased_at)) / _SECOND
        for answer in answers
        if answer.leased_at is not None
    ]
    return Way(
        received_at=prediction.received_at,
        decided_at=prediction.decided_at,
        created_at=row.created_at,
        leased_at=row.leased_at,
        first_verdict_at=min((answer.given_at for answer in answers), default=None),
        resolved_at=row.resolved_at,
        position=row.position,
        active=sum(active) if active else None,
        held=sum(held) if held else None,
    )


def _cost(rows: Sequence[Row], given: Mapping[str, Sequence[Row]], per_hour: float) -> Cost:
    answers = list(chain.from_iterable(given.values()))
    active = sum(answer.active_seconds or 0.0 for answer in answers)
    corrected = sum(
        row.prediction is not None and row.prediction.get("label") not in (None, row.label)
        for row in rows
    )
    paid = active / SECONDS_PER_HOUR * per_hour
    return Cost(
        per_hour=per_hour,
        verdicts=len(answers),
        active_seconds=active,
        corrected_errors=corrected,
        per_verdict=paid / len(answers) if answers else None,
        per_corrected_error=paid / corrected if corrected else None,
    )
