"""Probabilities + policy + promise -> decision. Pure: no clock, no I/O, no state.

An item is eligible when its confidence, in float32, reaches the certified threshold of the version
that scored it. Everything that is not proven fails closed: the item goes to people.
"""

from dataclasses import dataclass, field, replace
from typing import Literal

from services.router.scoring.scores import Score
from shared.contracts.base import task_id_for
from shared.contracts.decisions import DecisionKind, Reason, ReviewMode
from shared.contracts.promise_status import PromiseStatus
from shared.draws import Draw


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
    lane: Literal["mandatory", "audit"] | None = None


@dataclass(frozen=True, slots=True)
class Policy:
    """All that routing needs and that the items of one call share.

    `labels` name the columns of the probabilities; `audit` draws the answers that people see too.
    `least` and `answers` follow from the others: the confidence that is answered, None for none,
    and the answer to each label, unless it is audited.
    """

    project: str
    labels: tuple[str, ...]
    status: PromiseStatus
    audit: Draw
    review: ReviewMode = "auto"
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
    if not policy.audit.takes(item_id):
        return answer
    return replace(answer, audited=True, task_id=task_id_for(policy.project, item_id), lane="audit")


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


def resolved_by_people(decision: Decision, label: str) -> Decision:
    """Answer with the `label` that people gave to the item that `decision` sent to them."""
    return replace(decision, decision="answered", reason="human", label=label)
