"""Probabilities + policy + promise -> decision. Pure: no clock, no I/O, no state.

An item is eligible when its confidence, in float32, reaches the certified threshold of the version
that scored it. Everything that is not proven fails closed: the item goes to people.
"""

from dataclasses import dataclass, field, replace
from typing import Literal

from shared.contracts.base import task_id_for
from shared.contracts.capacity import CapacitySettings, is_worth_review
from shared.contracts.decisions import DecisionKind, Reason, ReviewMode
from shared.contracts.promise_status import PromiseStatus
from shared.draws import Draw
from shared.routing.scores import Score


@dataclass(frozen=True, slots=True)
class Decision:
    """What becomes of one item. `lane` is the lane of the task that it needs, None for no task."""

    decision: DecisionKind
    reason: Reason
    label: str | None = None
    suggestion: str | None = None
    audited: bool = False
    propensity: float = 0.0
    task_id: str | None = None
    lane: Literal["mandatory", "audit", "optional"] | None = None


@dataclass(frozen=True, slots=True)
class Policy:
    """All that routing needs and that the items of one call share.

    `labels` name the columns of the probabilities; `audit` draws the answers that people see too.
    `capacity` is set where certified items may wait for an optional review.
    `least` and `answers` follow from the others: the confidence that is answered, None for none,
    and the answer to each label, unless it is audited.
    """

    project: str
    labels: tuple[str, ...]
    status: PromiseStatus
    audit: Draw
    review: ReviewMode = "auto"
    capacity: CapacitySettings | None = None
    least: float | None = field(init=False)
    answers: tuple[Decision, ...] = field(init=False)

    def __post_init__(self) -> None:
        """Work out what all items share."""
        # The least confidence that may be answered, a float32 value; None for none.
        least = None
        if self.review != "always" and self.status.refusal is None:
            least = self.status.threshold
        answers = (
            Decision("answered", "confident", label, label, propensity=self.audit.rate)
            for label in self.labels
        )
        object.__setattr__(self, "least", least)
        object.__setattr__(self, "answers", tuple(answers))

    def offers(self, score: Score | None) -> bool:
        """Say whether an item with this score may wait for an optional review."""
        if self.capacity is None or self.review != "auto":
            return False
        if self.least is None or score is None:
            return False
        return score.confidence >= self.least and is_worth_review(score.confidence, self.capacity)


def route(item_id: str, score: Score | None, policy: Policy) -> Decision:
    """Decide what becomes of one item.

    Parameters
    ----------
    score
        Calibrated probabilities in the order of ``policy.labels``; None when no version could
        score the item.

    Returns
    -------
    Decision; `label` is set exactly when it is answered, `task_id` when a person is asked.
    """
    refusal = policy.status.refusal
    if score is None:
        # Without a score there is nothing to answer with, whatever the promise says.
        return _ask(item_id, policy, refusal or "model_invalid")
    # Both are float32 values, so comparing them as doubles is exact. A NaN fails.
    if policy.least is None or not score.confidence >= policy.least:
        return _ask(item_id, policy, refusal or "below_threshold", policy.labels[score.top])
    answer = policy.answers[score.top]
    # Audits are drawn before optional reviews: so they judge all eligible items alike.
    if policy.audit.takes(item_id):
        task_id = task_id_for(policy.project, item_id)
        return replace(answer, audited=True, task_id=task_id, lane="audit")
    return _offer(item_id, policy, answer) if policy.offers(score) else answer


def _offer(item_id: str, policy: Policy, answer: Decision) -> Decision:
    """Let a certified item wait for an optional review."""
    return Decision(
        "in_review",
        "optional_review",
        suggestion=answer.label,
        propensity=answer.propensity,
        task_id=task_id_for(policy.project, item_id),
        lane="optional",
    )


def _ask(item_id: str, policy: Policy, reason: Reason, suggestion: str | None = None) -> Decision:
    if policy.review == "never":
        return Decision("declined", reason, suggestion=suggestion)
    return Decision(
        "in_review",
        "forced" if policy.review == "always" else reason,
        suggestion=suggestion,
        propensity=1.0,
        task_id=task_id_for(policy.project, item_id),
        lane="mandatory",
    )


def answered_by_model(decision: Decision) -> Decision:
    """Answer with the model's own answer the item that `decision` offered to people."""
    return replace(decision, decision="answered", reason="confident", label=decision.suggestion)


def resolved_by_people(decision: Decision, label: str) -> Decision:
    """Answer with the `label` that people gave to the item that `decision` sent to them."""
    return replace(decision, decision="answered", reason="human", label=label)
