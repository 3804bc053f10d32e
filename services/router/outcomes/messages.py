"""Outcomes as the router gives them to callers."""

from typing import Annotated, Any, Literal, Self

from pydantic import Field

from services.router.delivery.messages import ItemOutcome
from shared.contracts.base import MAX_BATCH, ItemId, Label, Message, UtcTime
from shared.contracts.decisions import AnswerPromise, KnownDecision
from shared.contracts.tasks import SourceName

_OF_DECISIONS: dict[str, Any] = {"default": None, "exclude_if": lambda value: value is None}


class OutcomeQuery(Message):
    """The body of ``POST …/outcomes``."""

    item_ids: Annotated[list[ItemId], Field(min_length=1, max_length=MAX_BATCH)]


class ToldOutcome(Message):
    """What became of an item, or what the caller was told of it.

    `answered` and `declined` are decisions of the router: of several on one item, the one that was
    received last. They have `decided_at`, `audited` and the version that scored the item; all
    other outcomes lack these members. `audited` says that reviewers were asked about the answer:
    their outcome, once it is there, takes its place. `promise` is set where the model answered.
    """

    item_id: ItemId
    status: Literal["answered", "declined", "in_review", "resolved", "erased", "unknown"]
    label: Label | None = None
    source: SourceName | None = None
    task_id: str | None = None
    revision: int | None = None
    resolved_at: UtcTime | None = None
    model_version: str | None = Field(**_OF_DECISIONS)
    decided_at: UtcTime | None = Field(**_OF_DECISIONS)
    audited: bool | None = Field(**_OF_DECISIONS)
    promise: AnswerPromise | None = Field(**_OF_DECISIONS)

    @classmethod
    def of(cls, outcome: ItemOutcome, decision: KnownDecision | None = None) -> Self:
        """Return what is told of an item with this outcome and newest decision."""
        told = cls(**{name: getattr(outcome, name) for name in ItemOutcome.told()})
        if decision is None or outcome.status in ("resolved", "erased"):
            return told
        # Reviewers were asked again: the review queue knows better than an answer of theirs.
        is_reopened = decision.reason == "human" and outcome.status == "in_review"
        if decision.decision == "answered" and not is_reopened:
            return told.model_copy(update=_answer(outcome, decision))
        if outcome.status == "in_review":
            return told
        if decision.decision == "declined":
            return told.model_copy(update=_answer(outcome, decision))
        # The task lies in the spool of another process, or is of a later release's decision.
        return told.model_copy(update={"status": "in_review", "task_id": decision.task_id})


class ToldOutcomes(Message):
    """The answer of ``POST …/outcomes``: one entry an item, in the order of the query."""

    outcomes: list[ToldOutcome]


def _answer(outcome: ItemOutcome, decision: KnownDecision) -> dict[str, Any]:
    return {
        "status": decision.decision,
        "label": decision.label,
        "task_id": outcome.task_id or decision.task_id,
        "revision": None,
        "model_version": decision.model_version,
        "decided_at": decision.decided_at,
        "audited": decision.audited,
        "promise": decision.promise,
    }
