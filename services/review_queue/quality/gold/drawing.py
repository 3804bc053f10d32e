"""Drawing gold into leases: how much, for whom, of which kind."""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from services.review_queue.lifecycle.claims import Claimant
from services.review_queue.lifecycle.draws import LeaseDraws, suggestion_of
from services.review_queue.lifecycle.repository.claiming import claimable_number
from services.review_queue.quality.gold.choosing import (
    Kind,
    among,
    any_place,
    filled,
    flips,
    kinds_for,
    wanted_side,
    wrong_suggestion,
)
from services.review_queue.quality.gold.gold_states import GoldState, GoldStates
from services.review_queue.quality.gold.pausing import require_active
from services.review_queue.quality.gold.repository import probes, scores
from services.review_queue.quality.gold.repository.probes import Situation
from services.review_queue.quality.reviewers.trust import Record, gold_rate, onboarding_left
from services.review_queue.tables import TaskRow
from services.review_queue.tables.gold import ProbeRow
from shared.contracts.projects import Project
from shared.contracts.tasks import Lease, LeasedTask
from shared.db import Row, Session

_TOKEN_BYTES = 32


@dataclass(frozen=True)
class Draw:
    """Leases of gold, how many `others` are to be claimed beside them, and at which `places`."""

    gold: Sequence[Lease]
    others: int
    places: Sequence[bool] = ()

    def mixed_with(self, others: Sequence[Lease]) -> list[Lease]:
        """Return all leases, the gold ones where they were drawn."""
        gold, rest = list(self.gold), list(others)
        mixed = [(gold if is_gold else rest).pop(0) for is_gold in self.places if gold and rest]
        return [*mixed, *gold, *rest]


@dataclass
class _Drawing:
    """One claim: the probes that are made for it, as rows and as leases by token."""

    session: Session
    project: Project
    who: Claimant
    rows: list[dict[str, Any]] = field(default_factory=list)
    leases: dict[str, Lease] = field(default_factory=dict)

    def again(self, probe: ProbeRow, task: TaskRow) -> None:
        """Give a reviewer what came back from him, with the suggestion that he has seen."""
        expected, predicted = str(task.label), (task.prediction or {}).get("label")
        right: Kind = "model_right" if predicted == expected else "model_wrong"
        kind: Kind = "no_prediction" if predicted is None else right
        self._add(
            _shown(self.project, task, probe.suggestion),
            kind=kind,
            expected=expected,
            suggestion=probe.suggestion,
            number=probe.number + 1,
            revision=probe.revision,
        )

    def new(self, row: Row, suggestion: str | None) -> None:
        """Give a reviewer an item that he has not had."""
        self._add(
            _shown(self.project, row, suggestion),
            kind=row.kind,
            expected=row.label,
            suggestion=suggestion,
            number=1,
            revision=0,
        )

    def _add(self, shown: LeasedTask, **of_probe: Any) -> None:
        token, who = secrets.token_urlsafe(_TOKEN_BYTES), self.who
        self.leases[token] = Lease(token=token, expires_at=who.expires_at, task=shown)
        self.rows.append(
            {
                "token": token,
                "project": who.project,
                "task_id": shown.task_id,
                "reviewer": who.reviewer,
                "instructions_revision": shown.instructions_revision,
                "leased_at": who.now,
                "expires_at": who.expires_at,
                "skipped": False,
                **of_probe,
            }
        )

    async def written(self) -> list[Lease]:
        """Write the probes; return the leases of those that no other call has made."""
        got = await probes.add(self.session, self.rows) if self.rows else set()
        return [lease for token, lease in self.leases.items() if token in got]


def _shown(project: Project, row: Row | TaskRow, suggestion: str | None) -> LeasedTask:
    return LeasedTask(
        task_id=row.task_id,
        item_id=row.item_id,
        data=row.data,
        metadata=row.item_metadata,
        suggestion=None if suggestion is None else suggestion_of(row.prediction, suggestion),
        instructions_revision=project.instructions_revision,
    )


@dataclass(frozen=True)
class GoldDraws:
    """Puts gold among the tasks that a reviewer leases."""

    gold_states: GoldStates
    draws: LeaseDraws

    def seems_plain(self, project: str) -> bool:
        """Say whether, as far as is known, there is no gold, and no reviewer is paused."""
        last = self.gold_states.last(project)
        return last is None or last.plain

    async def is_plain(self, session: Session, project: str) -> bool:
        """Say whether there is no gold, and no reviewer is paused."""
        return (await self.gold_states.of(session, project)).plain

    async def draw(self, session: Session, project: Project, who: Claimant, count: int) -> Draw:
        """Lease gold to the reviewer, as part of `count` tasks.

        What came back from him without an answer comes first. A newcomer gets gold alone while he
        is onboarding and there is some for him; then each place is gold with the probability that
        his record asks for, if other tasks wait to hide it among. What he put off comes last.

        Raises
        ------
        ReviewerPaused
            He gets no tasks in this project.
        """
        gold_state = await self.gold_states.of(session, project.project)
        if who.reviewer in gold_state.paused:
            await require_active(session, project.project, who.reviewer)
        if not gold_state.gold:
            return Draw([], count)
        met = await probes.situation(session, who)
        drawing = _Drawing(session, project, who)
        await self._give_again(drawing, met, count)
        places = [True] * len(drawing.rows)
        record = await _record(drawing, gold_state)
        left = await _onboarding_left(drawing, record)
        if left:
            await self._give_newcomer(drawing, met, min(count, left - met.live))
            if met.live or drawing.rows:
                return Draw(await drawing.written(), 0)
        else:
            rate = gold_rate(record, project.review.gold_rate)
            places += await self._places(
                drawing, flips(self.draws.chance, rate, count - len(places))
            )
            await self._fill(drawing, met, sum(places) - len(drawing.rows))
            places = filled(places, len(drawing.rows))
            await self._give_put_off(drawing, met, await _room(drawing, met, count))
        gold = await drawing.written()
        return Draw(gold, count - len(gold), places)

    async def _give_again(self, drawing: _Drawing, met: Situation, count: int) -> None:
        if not met.returning:
            return
        back = await probes.returning(
            drawing.session, drawing.who, labels=drawing.project.labels, limit=count
        )
        for probe, task in back:
            drawing.again(probe, task)
        tokens = [probe.token for probe, _ in back]
        await probes.end_expired(drawing.session, tokens, drawing.who.now)

    async def _give_newcomer(self, drawing: _Drawing, met: Situation, wanted: int) -> None:
        await self._fill(drawing, met, wanted - len(drawing.rows))
        await self._give_put_off(drawing, met, wanted - len(drawing.rows))
        await self._give_skipped(drawing, wanted - len(drawing.rows))

    async def _give_put_off(self, drawing: _Drawing, met: Situation, count: int) -> None:
        if count <= 0 or not met.put_off:
            return
        for probe, task in await probes.put_off(
            drawing.session, drawing.who, labels=drawing.project.labels, limit=count
        ):
            drawing.again(probe, task)

    async def _give_skipped(self, drawing: _Drawing, count: int) -> None:
        if count <= 0:
            return
        for probe, task in await probes.skipped(
            drawing.session, drawing.who, labels=drawing.project.labels, limit=count
        ):
            drawing.again(probe, task)

    async def _places(self, drawing: _Drawing, places: list[bool]) -> list[bool]:
        if not any(places):
            return places
        who = drawing.who
        others = await claimable_number(
            drawing.session, who.project, who.reviewer, who.now, len(places) + 1
        )
        return among(places, others)

    async def _fill(self, drawing: _Drawing, met: Situation, count: int) -> None:
        right, wrong = met.right, met.wrong
        for _ in range(count):
            side = wanted_side(right, wrong, self.draws.chance)
            found = await self._pick(drawing, side)
            if found is None:
                break
            row, suggestion = found
            drawing.new(row, suggestion)
            said = (row.prediction or {}).get("label") if suggestion is None else suggestion
            right += said == row.label
            wrong += said is not None and said != row.label

    async def _pick(self, drawing: _Drawing, side: Any) -> tuple[Row, str | None] | None:
        who, labels = drawing.who, drawing.project.labels
        shown = not drawing.project.review.blind
        for kinds, seeded in kinds_for(side, seeded=shown):
            row = await probes.pick(
                drawing.session,
                who.project,
                who.reviewer,
                kinds=kinds,
                labels=labels,
                without=[one["task_id"] for one in drawing.rows],
                place=any_place(self.draws.chance),
            )
            if row is None:
                continue
            if not shown or not self.draws.shows_suggestion(row.task_id):
                return row, None
            if seeded:
                return row, wrong_suggestion(row.prediction, row.label, labels, self.draws.chance)
            return row, (row.prediction or {}).get("label")
        return None


async def _room(drawing: _Drawing, met: Situation, count: int) -> int:
    """Return how many of `count` leases neither gold nor the tasks that wait can fill."""
    missing, who = count - len(drawing.rows), drawing.who
    if not met.put_off or missing <= 0:
        return 0
    return missing - await claimable_number(
        drawing.session, who.project, who.reviewer, who.now, missing
    )


async def _record(drawing: _Drawing, gold_state: GoldState) -> Record:
    name = drawing.who.reviewer
    found = await scores.scores(
        *(drawing.session, drawing.who.project, [name]),
        labels=drawing.project.labels,
        since=gold_state.resumed.get(name),
    )
    return Record(gold=scores.total(found.get(name, {})))


async def _onboarding_left(drawing: _Drawing, record: Record) -> int:
    """Count all that he ever answered: who was resumed, or whose labels went, is no newcomer."""
    tasks, name = drawing.project.review.onboarding_tasks, drawing.who.reviewer
    if not onboarding_left(record.gold.answered, tasks):
        return 0
    found = await scores.ever_answered(drawing.session, drawing.who.project, [name])
    return onboarding_left(found.get(name, 0), tasks)
