"""A lease as its holder presents it: who may use it, and whether it still holds."""

import hashlib
import re
from dataclasses import dataclass
from datetime import datetime

import orjson
from pydantic import BaseModel
from sqlalchemy.ext.asyncio import AsyncSession

from services.review_queue.lifecycle.leases import repository as leases
from services.review_queue.lifecycle.outcomes import repository as outcomes
from services.review_queue.lifecycle.outcomes.revisions import shown_outcome
from services.review_queue.lifecycle.problems import LeaseExpired, UnknownLease
from services.review_queue.lifecycle.tasks.states import state_of
from services.review_queue.tables import LeaseRow, OutcomeRow, TaskRow
from shared import tracing
from shared.auth import Principal
from shared.contracts.tasks import LeaseProgress
from shared.problems import Conflict, Forbidden, NotFound

_TOKEN = re.compile(r"[A-Za-z0-9_-]{43}")


@dataclass(frozen=True)
class Held:
    """A task and the lease on it that was presented, both locked."""

    session: AsyncSession
    task: TaskRow
    lease: LeaseRow
    now: datetime

    async def require_live(self) -> None:
        """Raise `LeaseExpired` unless the lease holds at this moment."""
        lasts = self.lease.ending is None and self.lease.expires_at > self.now
        if not lasts or self.lease.number != self.task.lease_number:
            raise await self._expired("The lease has ended; lease the next task.")

    async def _expired(self, detail: str) -> LeaseExpired:
        resolved = self.task.state == "resolved"
        newest = await self.outcome(self.task.revision) if resolved else None
        return LeaseExpired(
            detail,
            task_id=self.task.task_id,
            state=state_of(self.task, self.now),
            outcome=newest and shown_outcome(newest).model_dump(),
        )

    async def outcome(self, revision: int) -> OutcomeRow | None:
        """Return a revision of the task's outcome."""
        return await outcomes.revision(self.session, self.task.task_id, revision)

    def end(self, ending: str, digest: str, outcome: OutcomeRow | None = None) -> None:
        """End the lease, and keep what is answered for a call that comes again."""
        self.lease.ending = ending
        self.lease.ended_at = self.now
        self.lease.body_digest = digest
        self.lease.state_after = self.task.state
        self.lease.revision_after = self.task.revision
        self.lease.outcome_revision = None if outcome is None else outcome.revision

    async def repeated(self, ending: str, digest: str) -> LeaseProgress | None:
        """Return the answer that the same call got before; None when this is the first.

        Raises
        ------
        Conflict
            The lease was used before, otherwise.
        """
        if self.lease.ending not in {"verdict", "skip", "release", "undo"}:
            return None
        if (self.lease.ending, self.lease.body_digest) != (ending, digest):
            raise Conflict(
                "The lease was used before, with another answer; that one stands.",
                task_id=self.task.task_id,
                ending=self.lease.ending,
            )
        number = self.lease.outcome_revision
        outcome = None if number is None else await self.outcome(number)
        return _progress(self.task, str(self.lease.state_after), outcome)

    def progress(self, outcome: OutcomeRow | None = None) -> LeaseProgress:
        """Return what the holder is told of the task as it stands now."""
        return _progress(self.task, self.task.state, outcome)


def _progress(task: TaskRow, state: str, outcome: OutcomeRow | None) -> LeaseProgress:
    return LeaseProgress(
        task_id=task.task_id,
        state=state,  # type: ignore[arg-type]
        outcome=None if outcome is None else shown_outcome(outcome),
    )


async def present(session: AsyncSession, token: str, who: Principal, now: datetime) -> Held:
    """Lock the lease of `token` for `who`, its holder.

    Raises
    ------
    NotFound
        It is not a lease's token at all.
    Forbidden
        The caller may not enter the project.
    LeaseExpired
        Nobody has this lease (`UnknownLease`), or somebody else.
    """
    if not is_token(token):
        raise NotFound("This is not a lease's token.")
    found = await leases.lock(session, token)
    if found is None:
        raise UnknownLease("There is no such lease; lease a task.")
    task, lease = found
    if not who.may_enter(task.project):
        raise Forbidden("The token is not for this project.", project=task.project)
    tracing.note(project=task.project)
    tracing.link([task.trace])
    held = Held(session, task, lease, now)
    if lease.reviewer != who.subject:
        raise await held._expired("The lease is somebody else's.")
    return held


def is_token(text: str) -> bool:
    """Say whether `text` looks like a lease's token."""
    return _TOKEN.fullmatch(text) is not None


def body_digest(body: BaseModel | None) -> str:
    """SHA-256 (hex) of a body as it was understood: defaults and their absence are the same."""
    content = {} if body is None else body.model_dump(mode="json")
    return hashlib.sha256(orjson.dumps(content, option=orjson.OPT_SORT_KEYS)).hexdigest()
