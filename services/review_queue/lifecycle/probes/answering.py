"""What the holder of a probe does with it. To him it is a lease like any other.

Nothing here writes to the task, to its timeline or to the outcomes: an answer to gold tells of the
reviewer, and of nothing else.
"""

import contextlib
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from services.review_queue.lifecycle.leases.messages import Renewal
from services.review_queue.lifecycle.leases.times import LeaseTimes
from services.review_queue.lifecycle.metrics import VERDICTS
from services.review_queue.lifecycle.probes.disguise import (
    StateAfter,
    progress_of,
    seen_state,
    state_after_skip,
    state_after_verdict,
)
from services.review_queue.lifecycle.probes.gold_states import GoldStates
from services.review_queue.lifecycle.problems import LeaseExpired
from services.review_queue.lifecycle.verdicts.holding import body_digest
from services.review_queue.lifecycle.verdicts.service import require_label
from services.review_queue.projects.service import current_project
from services.review_queue.quality.gold import records, repository
from services.review_queue.quality.gold.pausing import pause_if_too_low
from services.review_queue.tables import OutboxRow, TaskRow
from services.review_queue.tables.gold import ProbeRow
from shared import outbox
from shared.auth import Principal
from shared.contracts.projects import Project
from shared.contracts.tasks import LeaseProgress, SkipBody, TaskState, VerdictBody
from shared.db import Database
from shared.doorbells import tasks_bell
from shared.problems import Conflict, Forbidden


@dataclass(frozen=True)
class _Presented:
    """A probe that its holder presents, locked."""

    session: AsyncSession
    probe: ProbeRow
    task: TaskRow
    project: Project
    now: datetime

    async def require_live(self) -> None:
        """Raise `LeaseExpired` unless the probe holds at this moment.

        It holds no longer where the item was erased, be it while the probe was drawn.
        """
        ended = self.probe.ending is not None or self.task.erased_at is not None
        if ended or self.probe.expires_at <= self.now:
            raise await self.expired("The lease has ended; lease the next task.")

    async def expired(self, detail: str) -> LeaseExpired:
        """Return the problem of a lease that is not the caller's, or no longer.

        It tells of the task as it seems now, which a later lease of the same holder may have made.
        """
        probe = await repository.newest_of(self.session, self.probe)
        state = seen_state(probe, self.now)
        outcome = progress_of(probe).outcome if state == "resolved" else None
        return LeaseExpired(
            detail,
            task_id=self.task.task_id,
            state=state if self.task.erased_at is None else "erased",
            outcome=outcome and outcome.model_dump(),
        )

    def repeated(self, ending: str, digest: str) -> LeaseProgress | None:
        """Return the answer that the same call got before; `Conflict` when it was another."""
        if self.probe.ending in {None, "expiry"}:
            return None
        if (self.probe.ending, self.probe.body_digest) != (ending, digest):
            raise Conflict(
                "The lease was used before, with another answer; that one stands.",
                task_id=self.task.task_id,
                ending=self.probe.ending,
            )
        return progress_of(self.probe)

    def end(self, ending: str, digest: str, state: StateAfter = "open") -> LeaseProgress:
        """End the probe, and keep what is answered for a call that comes again."""
        self.probe.ending, self.probe.ended_at = ending, self.now
        self.probe.body_digest, self.probe.state_after = digest, state
        self.probe.revision += state == "resolved"
        return progress_of(self.probe)


@dataclass(frozen=True)
class ProbeService:
    """The moves of a lease, for probes. Each returns None when the token is not a probe's.

    Otherwise they are answered, repeated and refused as those of an ordinary lease are.
    """

    database: Database
    times: LeaseTimes
    gold_states: GoldStates
    now: Callable[[], datetime]
    nudge: Callable[[], None]

    async def submit(self, token: str, body: VerdictBody, who: Principal) -> LeaseProgress | None:
        """Keep the answer, and pause the reviewer if it is one wrong answer too many."""
        digest = body_digest(body)
        async with self._present(token, who) as held:
            if held is None or (answered := held.repeated("verdict", digest)) is not None:
                return None if held is None else answered
            await held.require_live()
            require_label(held.project, body.label)
            held.probe.label, held.probe.comment = body.label, body.comment
            held.probe.active_seconds = body.active_seconds
            progress = held.end("verdict", digest, state_after_verdict(held.project))
            await held.session.flush()
            paused = await pause_if_too_low(
                held.session, held.project, held.probe.reviewer, held.now
            )
            await _ring_if_onboarding(held)
        # Counted as any other answer is: the counters must not tell which task was gold.
        VERDICTS.labels(held.project.project, "verdict").inc()
        if paused:
            self.gold_states.forget(held.project.project)
        self.nudge()
        return progress

    async def skip(self, token: str, body: SkipBody, who: Principal) -> LeaseProgress | None:
        """Put the item off: for good, or "to me" until it is drawn again."""
        digest = body_digest(body)
        async with self._present(token, who) as held:
            if held is None or (answered := held.repeated("skip", digest)) is not None:
                return None if held is None else answered
            await held.require_live()
            held.probe.skipped = body.to != "me"
            held.probe.comment = body.reason or None
            progress = held.end("skip", digest, state_after_skip(held.project, body))
            await held.session.flush()
            await _ring_if_onboarding(held)
        VERDICTS.labels(held.project.project, "skip").inc()
        self.nudge()
        return progress

    async def release(self, token: str, who: Principal) -> LeaseProgress | None:
        """Give the item back; it comes again."""
        async with self._present(token, who) as held:
            if held is None:
                return None
            if (answered := held.repeated("release", body_digest(None))) is not None:
                return answered
            await held.require_live()
            return held.end("release", body_digest(None))

    async def renew(self, token: str, who: Principal) -> Renewal | None:
        """Let the probe last as long again, from now on."""
        async with self._present(token, who) as held:
            if held is None:
                return None
            await held.require_live()
            expires_at = held.now + await self.times.of(held.session, held.project)
            held.probe.expires_at = expires_at
        return Renewal(token=token, expires_at=expires_at)

    async def undo(self, token: str, who: Principal) -> LeaseProgress | None:
        """Take the answer back, once; the item is the next that the reviewer gets."""
        async with self._present(token, who) as held:
            if held is None:
                return None
            probe = held.probe
            if probe.ending == "undo":
                return progress_of(probe)
            if not (probe.ending == "verdict" or probe.skipped):
                raise Conflict(
                    "There is nothing to take back under this lease.", task_id=held.task.task_id
                )
            probe.skipped = False
            # What the answer had made of the task is told by the next revision: taken back.
            before: TaskState = "resolved" if probe.state_after == "resolved" else "open"
            return held.end("undo", body_digest(None), before)

    @contextlib.asynccontextmanager
    async def _present(self, token: str, who: Principal) -> AsyncIterator[_Presented | None]:
        async with self.database.transaction() as session:
            found = await repository.lock(session, token)
            if found is None:
                yield None
                return
            probe, task = found
            if not who.may_enter(probe.project):
                raise Forbidden("The token is not for this project.", project=probe.project)
            project = await current_project(session, probe.project)
            held = _Presented(session, probe, task, project, self.now())
            if probe.reviewer != who.subject:
                raise await held.expired("The lease is somebody else's.")
            yield held


async def _ring_if_onboarding(held: _Presented) -> None:
    """Wake a newcomer who waits: for real work beside his last test, or for what he skipped."""
    wanted = held.project.review.onboarding_tasks
    if not wanted:
        return
    name = held.probe.reviewer
    found = await records.ever_answered(held.session, held.probe.project, [name])
    answered = found.get(name, 0)
    if answered == wanted or (held.probe.ending == "skip" and answered < wanted):
        outbox.add(held.session, OutboxRow, tasks_bell(held.probe.project))
