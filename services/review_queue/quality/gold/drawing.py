"""Drawing gold into leases: how much, for whom, of which kind."""

from dataclasses import dataclass, field
from typing import Any

from services.review_queue.lifecycle.claims import Claimant, GoldDraw, new_lease
from services.review_queue.lifecycle.draws import LeaseDraws, suggestion_of
from services.review_queue.lifecycle.repository.claiming import claimable_number
from services.review_queue.quality.gold import choosing
from services.review_queue.quality.gold.gold_states import GoldStates
from services.review_queue.quality.gold.pausing import require_active
from services.review_queue.quality.gold.repository import probes, scores
from services.review_queue.quality.gold.repository.probes import Situation
from services.review_queue.quality.reviewers.trust import Score, gold_rate
from services.review_queue.tables import TaskRow
from shared.contracts.projects import Project
from shared.contracts.tasks import Lease
from shared.db import Row, Session


@dataclass
class _Drawing:
    """One claim: the probes that are made for it, as rows and as leases by token."""

    session: Session
    project: Project
    who: Claimant
    draws: LeaseDraws
    met: Situation
    rows: list[dict[str, Any]] = field(default_factory=list)
    leases: dict[str, Lease] = field(default_factory=dict)

    async def onboarding_left(self, score: Score) -> int:
        """Return how much gold a newcomer is still to answer.

        All answers ever given count: a reviewer who was resumed, or whose labels went, is no
        newcomer.
        """
        left = self.project.review.onboarding_tasks - score.answered
        if left <= 0:
            return 0
        name = self.who.reviewer
        found = await scores.ever_answered(self.session, self.who.project, [name])
        return max(0, self.project.review.onboarding_tasks - found.get(name, 0))

    async def others(self, limit: int) -> int:
        """Return how many ordinary tasks wait for the reviewer, `limit` at most."""
        who = self.who
        return await claimable_number(self.session, who.project, who.reviewer, who.now, limit)

    async def onboard(self, wanted: int) -> None:
        """Fill up to `wanted` leases with gold: new items, then any that the reviewer had."""
        await self.give_new(wanted - len(self.rows))
        if self.met.put_off:
            await self.give_again("put_off", wanted - len(self.rows))
        await self.give_again("skipped", wanted - len(self.rows))

    async def mix(self, count: int, rate: float) -> list[bool]:
        """Return which of `count` leases are gold, at `rate` behind those drawn already."""
        places = [True] * len(self.rows)
        drawn = choosing.flips(self.draws.chance, rate, count - len(places))
        if any(drawn):
            drawn = choosing.among(drawn, await self.others(len(drawn) + 1))
        places += drawn
        await self.give_new(sum(places) - len(self.rows))
        places = choosing.filled(places, len(self.rows))
        missing = count - len(self.rows)
        if self.met.put_off and missing > 0:
            # What neither gold nor the tasks that wait can fill.
            await self.give_again("put_off", missing - await self.others(missing))
        return places

    async def give_again(self, why: probes.CameBack, count: int) -> None:
        """Give up to `count` items that the reviewer had, each with the suggestion shown then."""
        if count <= 0:
            return
        back = await probes.came_back(
            self.session, self.who, why, labels=self.project.labels, limit=count
        )
        for probe, task in back:
            predicted = (task.prediction or {}).get("label")
            right: choosing.Kind = "model_right" if predicted == task.label else "model_wrong"
            kind: choosing.Kind = "no_prediction" if predicted is None else right
            self._add(
                task, kind, probe.suggestion, number=probe.number + 1, revision=probe.revision
            )
        if why == "returned":
            await probes.end_expired(self.session, [one.token for one, _ in back], self.who.now)

    async def give_new(self, count: int) -> None:
        """Give up to `count` items that the reviewer has not had, of either side in turn."""
        right, wrong = self.met.right, self.met.wrong
        for _ in range(count):
            row = await self._pick(choosing.wanted_side(right, wrong, self.draws.chance))
            if row is None:
                break
            suggestion = self.rows[-1]["suggestion"]
            said = (row.prediction or {}).get("label") if suggestion is None else suggestion
            right += said == row.label
            wrong += said is not None and said != row.label

    async def _pick(self, side: choosing.Side) -> Row | None:
        """Give one item of `side`, or of the other if there is none; None if there is neither."""
        blind, chance = self.project.review.blind, self.draws.chance
        for kind, seeded in choosing.kinds_for(side, seeded=not blind):
            row = await probes.pick(
                self.session,
                self.who,
                kind=kind,
                labels=self.project.labels,
                without=[one["task_id"] for one in self.rows],
                place=choosing.any_place(chance),
            )
            if row is None:
                continue
            suggestion = (row.prediction or {}).get("label")
            if not self.draws.shows_suggestion(row.task_id, self.project.review):
                suggestion = None
            elif seeded:
                suggestion = choosing.wrong_suggestion(
                    row.prediction, row.label, self.project.labels, chance
                )
            self._add(row, kind, suggestion, number=1, revision=0)
            return row
        return None

    def _add(
        self,
        task: Row | TaskRow,
        kind: choosing.Kind,
        suggestion: str | None,
        *,
        number: int,
        revision: int,
    ) -> None:
        who = self.who
        shown = None if suggestion is None else suggestion_of(task.prediction, suggestion)
        lease = new_lease(task, self.project, shown, who.now, who.expires_at)
        self.leases[lease.token] = lease
        self.rows.append(
            {
                "token": lease.token,
                "project": who.project,
                "task_id": task.task_id,
                "reviewer": who.reviewer,
                "kind": kind,
                "expected": task.label,
                "suggestion": suggestion,
                "number": number,
                "revision": revision,
                "instructions_revision": self.project.instructions_revision,
                "leased_at": who.now,
                "expires_at": who.expires_at,
                "skipped": False,
            }
        )

    async def written(self) -> list[Lease]:
        """Write the probes; return the leases of those that no other call has made."""
        got = await probes.add(self.session, self.rows) if self.rows else set()
        return [lease for token, lease in self.leases.items() if token in got]


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

    async def draw(self, session: Session, project: Project, who: Claimant, count: int) -> GoldDraw:
        """Lease gold to the reviewer, as part of `count` tasks.

        What came back without an answer comes first. A newcomer gets gold alone during onboarding,
        as long as there is some; then each place is gold with the probability that the reviewer's
        score asks for, if other tasks wait to hide it among. What the reviewer put off comes last.

        Raises `ReviewerPaused` (the reviewer gets no tasks in this project).
        """
        gold_state = await self.gold_states.of(session, project.project)
        if who.reviewer in gold_state.paused:
            await require_active(session, project.project, who.reviewer)
        if not gold_state.gold:
            return GoldDraw([], count)
        met = await probes.situation(session, who)
        drawing = _Drawing(session, project, who, self.draws, met)
        if met.returned:
            await drawing.give_again("returned", count)
        since = gold_state.resumed.get(who.reviewer)
        score = await scores.score_of(session, project, who.reviewer, since)
        left = await drawing.onboarding_left(score)
        if left:
            await drawing.onboard(min(count, left - met.live))
            if met.live or drawing.rows:
                return GoldDraw(await drawing.written(), 0)
            return GoldDraw([], count)
        places = await drawing.mix(count, gold_rate(score, project.review.gold_rate))
        gold = await drawing.written()
        return GoldDraw(gold, count - len(gold), places)
