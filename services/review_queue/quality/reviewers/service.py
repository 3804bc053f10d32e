"""What each reviewer has done: operators see all reviewers, a reviewer their own figures."""

import bisect
import itertools
import statistics
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from types import SimpleNamespace

from services.review_queue.lifecycle.repository import gold as known
from services.review_queue.projects.reading import current_project
from services.review_queue.quality.agreement.repository import outcome_agreement
from services.review_queue.quality.gold.pausing import pause_message
from services.review_queue.quality.gold.repository import pauses, scores
from services.review_queue.quality.notes import reviewers_note
from services.review_queue.quality.reviewers import messages, repository
from services.review_queue.quality.reviewers.trust import Accuracy, Score, accuracy_of
from services.review_queue.quality.reviewers.warnings import WITHIN, warnings_of
from services.review_queue.quality.tags.repository import tags_of
from shared.contracts.projects import Project
from shared.db import Database, Row, Session
from shared.http.lists import page_of

_HOUR_SECONDS = 3600
# Jeffreys' prior of how often a reviewer takes suggestions.
_UNKNOWN = 0.5


@dataclass(frozen=True)
class ReviewerService:
    """Statistics of reviewers, counted in the database."""

    database: Database
    now: Callable[[], datetime]

    async def page(self, project_name: str, *, after: str, limit: int) -> messages.ReviewerList:
        """Return reviewers by name, from the one behind `after` on; `NotFound`: no project."""
        async with self.database.reading() as session:
            project = await current_project(session, project_name)
            rows = await repository.answers(session, project_name, after=after, limit=limit + 1)
            shown, cursor = page_of(rows, limit, lambda row: str(row.reviewer))
            found = await _statistics(session, project, shown)
            page = await self._reports(session, project, found)
            note = None
            if page and not any(one.outcomes or one.gold for one in page):
                gold = await known.number(session, project_name, project.labels)
                note = reviewers_note(project, gold)
        return messages.ReviewerList(reviewers=page, note=note, cursor=cursor)

    async def report(self, project_name: str, reviewer: str) -> messages.ReviewerReport:
        """Return one reviewer as operators see them; `NotFound`: no project."""
        async with self.database.reading() as session:
            project = await current_project(session, project_name)
            rows = await repository.answers(session, project_name, only=reviewer)
            found = await _statistics(session, project, rows)
            return (await self._reports(session, project, found or [_nothing(reviewer)]))[0]

    async def own(self, project_name: str, reviewer: str) -> messages.ReviewerStatistics:
        """Return the statistics that a reviewer may see, also before the first answer.

        Gold as it stood when the day (UTC) began: figures that moved with an answer would say that
        it was gold. `NotFound`: no project.
        """
        today = self.now().replace(hour=0, minute=0, second=0, microsecond=0)
        async with self.database.reading() as session:
            project = await current_project(session, project_name)
            rows = await repository.answers(session, project_name, only=reviewer)
            found = await _statistics(session, project, rows, gold_until=today)
        return found[0] if found else _nothing(reviewer)

    async def _reports(
        self, session: Session, project: Project, found: Sequence[messages.ReviewerStatistics]
    ) -> list[messages.ReviewerReport]:
        names, name = [one.reviewer for one in found], project.project
        if not names:
            return []
        labels, tasks = project.labels, project.review.onboarding_tasks
        taken = await scores.acceptances(session, name, names, labels)
        had = await scores.used_up(session, name, names, labels)
        skipped = await scores.skipped(session, name, names, labels) if tasks else {}
        gold = await known.number(session, name, labels)
        answered = await scores.ever_answered(session, name, names) if tasks else {}
        left = {one: max(0, tasks - answered.get(one, 0)) for one in names}
        paused = await pauses.standing(session, name, names)
        mix = await repository.label_mix(session, name, names)
        tags = await tags_of(session, name, names)
        changed = await repository.changed_answers(session, name, names, self.now() - WITHIN)
        return [
            messages.ReviewerReport(
                **dict(one),
                labels=mix.get(one.reviewer, {}),
                suggestions=messages.SuggestionsTaken(
                    right=_acceptance(taken.get((one.reviewer, True))),
                    wrong=_acceptance(taken.get((one.reviewer, False))),
                ),
                changed_answers=changed[one.reviewer],
                warnings=list(warnings_of(changed[one.reviewer])),
                onboarding_left=left[one.reviewer],
                gold_left=gold
                - had.get(one.reviewer, 0)
                + (skipped.get(one.reviewer, 0) if left[one.reviewer] else 0),
                tags=tags.get(one.reviewer, []),
                pause=pause_message(paused[one.reviewer]) if one.reviewer in paused else None,
            )
            for one in found
        ]


async def _statistics(
    session: Session, project: Project, rows: Sequence[Row], *, gold_until: datetime | None = None
) -> list[messages.ReviewerStatistics]:
    names, name = [row.reviewer for row in rows], project.project
    if not names:
        return []
    took: dict[str, list[tuple[int, float]]] = {}
    for one in await repository.active_seconds(session, name, names):
        took.setdefault(one.reviewer, []).append((one.number, one.seconds))
    shared = await outcome_agreement(session, name, names)
    gold = await scores.scores(session, name, names, labels=project.labels, until=gold_until)
    return [
        _summary(row, took.get(row.reviewer, []), shared.get(row.reviewer), gold.get(row.reviewer))
        for row in rows
    ]


def _acceptance(counted: tuple[int, int] | None) -> messages.Acceptance | None:
    if counted is None:
        return None
    tasks, accepted = counted
    low, high = Accuracy(_UNKNOWN + accepted, _UNKNOWN + tasks - accepted).interval()
    return messages.Acceptance(
        tasks=tasks, accepted=accepted, rate=accepted / tasks, low=low, high=high
    )


def _summary(
    row: Row | SimpleNamespace,
    took: Sequence[tuple[int, float]],
    shared: tuple[int, int] | None,
    gold: Mapping[str, Score] | None,
) -> messages.ReviewerStatistics:
    answered = row.verdicts + row.skips
    return messages.ReviewerStatistics(
        reviewer=row.reviewer,
        verdicts=row.verdicts,
        skips=row.skips,
        skip_rate=row.skips / answered if answered else None,
        active_seconds_median=median_of(took),
        verdicts_per_hour=_HOUR_SECONDS * row.timed / row.seconds if row.seconds else None,
        outcomes=shared
        and messages.AgreementWithOutcomes(tasks=shared[0], agreement=shared[1] / shared[0]),
        gold=_gold(gold) if gold else None,
        first_seen=row.first_seen,
        last_seen=row.last_seen,
    )


def median_of(values: Sequence[tuple[int, float]]) -> float | None:
    """Return the median of values that are given as (how often, value), rising; None of nothing."""
    total = sum(number for number, _ in values)
    if not total:
        return None
    ends = list(itertools.accumulate(number for number, _ in values))
    # The middle one, or the mean of the two in the middle.
    middle = [bisect.bisect_right(ends, place) for place in ((total - 1) // 2, total // 2)]
    return statistics.fmean(values[place][1] for place in middle)


def _gold(by_kind: Mapping[str, Score]) -> messages.GoldAccuracy:
    score = scores.total(by_kind)
    low, high = accuracy_of(score).interval()
    return messages.GoldAccuracy(
        tasks=score.answered,
        right=score.right,
        accuracy=score.right / score.answered,
        low=low,
        high=high,
        model_right=_share(by_kind.get("model_right")),
        model_wrong=_share(by_kind.get("model_wrong")),
    )


def _share(score: Score | None) -> messages.GoldShare | None:
    return None if score is None else messages.GoldShare(tasks=score.answered, right=score.right)


def _nothing(reviewer: str) -> messages.ReviewerStatistics:
    row = SimpleNamespace(reviewer=reviewer, **dict.fromkeys(("verdicts", "skips", "timed"), 0))
    row.seconds = row.first_seen = row.last_seen = None
    return _summary(row, [], None, None)
