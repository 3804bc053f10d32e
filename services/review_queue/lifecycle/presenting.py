"""A lease as it is presented to be used: who may use it, for what, and what follows (no I/O)."""

import re
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Literal

from pydantic import BaseModel

from services.review_queue.consensus.reliability import Reliability
from services.review_queue.lifecycle.lanes import AVAILABLE_AT_ONCE
from services.review_queue.lifecycle.messages import Renewal
from services.review_queue.lifecycle.problems import LeaseExpired
from services.review_queue.lifecycle.rules import Change
from services.review_queue.lifecycle.settlement import Settlement, opinions_of
from services.review_queue.lifecycle.states import Answer, History, Lease, state_of, verdict_row
from shared.auth import Principal, require_project
from shared.contracts.items import canonical_digest
from shared.contracts.projects import Project
from shared.contracts.tasks import LeaseProgress, ShownOutcome, SkipBody, TaskState, VerdictBody
from shared.problems import Conflict, Unprocessable

# What the holder of a lease does with it.
Action = VerdictBody | SkipBody | Literal["renew", "release", "undo"]

_TOKEN = re.compile(r"[A-Za-z0-9_-]{43}")


def is_token(text: str) -> bool:
    """Say whether `text` looks like a lease's token."""
    return _TOKEN.fullmatch(text) is not None


def body_digest(body: BaseModel | None) -> str:
    """SHA-256 (hex) of a body as it was understood: defaults and their absence are the same."""
    content = {} if body is None else body.model_dump(mode="json")
    return canonical_digest(content)


def require_label(project: Project, label: str) -> None:
    """Raise `Unprocessable` unless `label` is one of the project's, as they are now."""
    if label not in project.labels:
        raise Unprocessable([("/label", "is not a label of this project")])


@dataclass
class PresentedLease:
    """A lease and its task, both locked, and what `who` wants to do with it.

    `history` may stay empty unless `needs_history`; `lasts` is how long a lease lasts now.
    """

    change: Change
    lease: Lease
    project: Project
    action: Action
    who: Principal
    history: History
    known: Reliability | None = None
    lasts: timedelta = timedelta()

    @property
    def needs_history(self) -> bool:
        """Whether it matters what else happened to the task: for most verdicts it does not."""
        if self.lease.reviewer != self.who.subject or not self._is_live:
            return True
        if self.action in ("renew", "release"):
            return False
        needed, _ = opinions_of(self.change.task, self.project)
        enough = isinstance(self.action, VerdictBody) and needed == 1
        return not enough or (self.lease.number > 1 and not self.lease.suggestion_shown)

    @property
    def needs_time(self) -> bool:
        """Whether `lasts` matters."""
        to_me = isinstance(self.action, SkipBody) and self.action.to == "me"
        return to_me or self.action in ("renew", "undo")

    def use(self) -> LeaseProgress | Renewal:
        """Do it; return what the reviewer is told. The same call again gets the same answer.

        Raises `Forbidden` (the caller may not enter the project), `LeaseExpired` (the lease has
        ended, or is another reviewer's), `Conflict` (the lease was used before, otherwise; or there
        is nothing to undo) and `Unprocessable` (the label is not the project's).
        """
        require_project(self.who, self.project.project)
        if self.lease.reviewer != self.who.subject:
            raise self._expired("The lease belongs to another reviewer.")
        if self.action == "renew":
            return self._renew()
        if isinstance(self.action, VerdictBody):
            return self._end("verdict", self.action)
        if isinstance(self.action, SkipBody):
            return self._end("skip", self.action)
        return self._end(self.action, None)

    def _end(
        self, ending: Literal["verdict", "skip", "release", "undo"], body: BaseModel | None
    ) -> LeaseProgress:
        lease, digest = self.lease, body_digest(body)
        if ending == "undo":
            if lease.ending == "undo":
                return self._repeated(ending, digest)
            self._undo()
        else:
            if lease.ending in {"verdict", "skip", "release", "undo"}:
                return self._repeated(ending, digest)
            self._require_live()
            {"verdict": self._submit, "skip": self._skip, "release": self._release}[ending]()
        self.change.end_lease(lease, ending, digest)
        return self._progress(self.change.task.state, lease.outcome_revision)

    @property
    def _is_live(self) -> bool:
        lasts = self.lease.ending is None and self.lease.expires_at > self.change.now
        return lasts and self.lease.number == self.change.task.lease_number

    def _require_live(self) -> None:
        if not self._is_live or self.change.task.erased_at is not None:
            raise self._expired("The lease has ended; lease the next task.")

    def _expired(self, detail: str) -> LeaseExpired:
        task = self.change.task
        newest = self.history.outcomes.get(task.revision) if task.state == "resolved" else None
        return LeaseExpired(
            detail,
            task_id=task.task_id,
            state=state_of(task, self.change.now),
            outcome=newest and _shown(newest.label, newest.revision).model_dump(),
        )

    def _repeated(self, ending: str, digest: str) -> LeaseProgress:
        lease = self.lease
        if (lease.ending, lease.body_digest) != (ending, digest):
            raise Conflict(
                "The lease was already used with a different answer, which stands.",
                task_id=lease.task_id,
                ending=lease.ending,
            )
        return self._progress(lease.state_after or "open", lease.outcome_revision)

    def _progress(self, state: TaskState, revision: int | None) -> LeaseProgress:
        new, outcome = self.change.outcome, None
        if revision is not None:
            outcome = new or self.history.outcomes.get(revision)
        return LeaseProgress(
            task_id=self.lease.task_id,
            state=state,
            outcome=None if outcome is None else _shown(outcome.label, outcome.revision),
        )

    def _renew(self) -> Renewal:
        self._require_live()
        until = self.change.now + self.lasts
        self.change.renew(self.lease, until)
        return Renewal(token=self.lease.token, expires_at=until)

    def _release(self) -> None:
        # The reviewer's before all others once more: no sooner and no later for being evidence.
        self.change.open_again((self.lease.reviewer, AVAILABLE_AT_ONCE))
        self._tell("released", {})

    def _submit(self) -> None:
        assert isinstance(self.action, VerdictBody)
        require_label(self.project, self.action.label)
        self._settlement().by_verdict()

    def _skip(self) -> None:
        body = self.action
        assert isinstance(body, SkipBody)
        if body.to == "me":
            # No answer at all: for as long as a lease lasts the task waits for the reviewer alone,
            # behind all others.
            self._tell("skipped", self._skip_detail(body))
            until = self.change.now + self.lasts
            self.change.open_again((self.lease.reviewer, until), first=False)
        elif body.to == "adjudicator":
            self._record()
            self.change.task.skips += 1
            self.change.leave_to_adjudicator()
        else:
            self._settlement().by_skip()

    def _undo(self) -> None:
        task, lease = self.change.task, self.lease
        given = [one for one in self.history.standing if one.token == lease.token]
        if lease.ending not in {"verdict", "skip"} or not given:
            raise Conflict("There is nothing to take back under this lease.", task_id=task.task_id)
        # Others may have had the item as gold; as an ordinary task it would come to them again.
        if task.revision != lease.revision_after or self.history.is_gold:
            raise Conflict(
                "The task has changed since your answer. Ask an operator to reopen it.",
                task_id=task.task_id,
            )
        self.change.withdraw(given[0])
        task.skips -= given[0].skipped
        reserve = (lease.reviewer, self.change.now + self.lasts)
        if task.second_opinion and lease.state_after == "resolved":
            # To the reviewer it is resolved still: nothing may tell that another one is asked.
            self.change.supersede(self.history.leases)
            self.change.reopen(self.history, reserve=reserve)
        elif task.state == "resolved":
            self.change.reopen(self.history, reserve=reserve)
        elif task.state == "open":
            self.change.open_again(reserve)
        self._tell("undone", {})

    def _settlement(self) -> Settlement:
        read = self.lease.instructions_revision
        return Settlement(self.change, self.project, self.history, read, self.known, self._record)

    def _record(self) -> Answer:
        """Add the verdict or the skip to the change."""
        body, lease, change = self.action, self.lease, self.change
        if isinstance(body, VerdictBody):
            label, comment, seconds = body.label, body.comment, body.active_seconds
            self._tell("verdict", {"label": label})
        else:
            assert isinstance(body, SkipBody)
            label, comment, seconds = None, body.reason or None, None
            self._tell("skipped", self._skip_detail(body))
        answer = Answer(
            *(None, lease.task_id, lease.reviewer, label, self._is_blind),
            *(lease.token, lease.instructions_revision),
        )
        change.verdicts.append(
            verdict_row(answer, change.now, lease.reviewer, comment=comment, active_seconds=seconds)
        )
        return answer

    @property
    def _is_blind(self) -> bool:
        """Whether the reviewer has learned nothing of others' answers, nor of the model's."""
        if self.lease.suggestion_shown:
            return False
        # Under an earlier lease, before the task moved to a blind lane or an answer was taken back.
        return self.lease.number == 1 or not self.history.has_seen(self.lease.reviewer)

    def _skip_detail(self, body: SkipBody) -> dict[str, str]:
        return {"reason": body.reason} | ({} if body.to == "others" else {"to": body.to})

    def _tell(self, kind: Any, detail: dict[str, Any]) -> None:
        self.change.tell(kind, self.lease.reviewer, detail)


def _shown(label: str | None, revision: int) -> ShownOutcome:
    return ShownOutcome(label=label, revision=revision)
