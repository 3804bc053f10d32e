"""What a shadow stage has come to (pure)."""

import math
from dataclasses import dataclass
from typing import Literal

from services.trainer.gate.comparing import Figures, GateTest, Outcome
from services.trainer.gate.rule import GateDecision
from services.trainer.gate.shadow.betting import ShadowCounts, log_not_worse, log_worse

Ending = Literal["passed", "refused", "undecided"]
_LARGEST_E_VALUE = 1e9
_OUTCOMES: dict[Ending, Outcome] = {
    "passed": "passed",
    "refused": "failed",
    "undecided": "insufficient",
}


@dataclass(frozen=True)
class ShadowTerms:
    """What a stage is judged by.

    Attributes
    ----------
    margin : in (0, 0.5), what accuracy may lose
    alpha : in (0, 1), what this stage may spend on letting a version pass that is worse by it
    refusal_alpha : in (0, 1), likewise on refusing one that is not
    labels : disagreements that people are asked about at most
    """

    margin: float
    alpha: float
    refusal_alpha: float
    labels: int


def ending_of(counts: ShadowCounts, terms: ShadowTerms, *, is_over: bool) -> Ending | None:
    """Say how the stage ends; None while it goes on.

    Parameters
    ----------
    is_over
        Its time has passed, or no more items are scored.
    """
    if log_not_worse(counts, terms.margin) >= -math.log(terms.alpha):
        return "passed"
    if log_worse(counts, terms.margin) >= -math.log(terms.refusal_alpha):
        return "refused"
    is_spent = counts.differing >= terms.labels and not counts.waiting
    return "undecided" if is_spent or is_over else None


def figures_of(counts: ShadowCounts, terms: ShadowTerms) -> Figures:
    """Return the counts, and the evidence for and against the version."""
    return {
        "items": counts.items,
        "differing": counts.differing,
        "reviewed": counts.reviewed,
        "gained": counts.won,
        "lost": counts.lost,
        "neither": counts.neither,
        "waiting": counts.waiting,
        "unusable": counts.unusable,
        "difference": counts.difference,
        "margin": terms.margin,
        "alpha": terms.alpha,
        "evidence_for": _e_value(log_not_worse(counts, terms.margin)),
        "needed_for": 1 / terms.alpha,
        "evidence_against": _e_value(log_worse(counts, terms.margin)),
        "needed_against": 1 / terms.refusal_alpha,
    }


def _e_value(log: float) -> float:
    return min(math.exp(min(log, 100.0)), _LARGEST_E_VALUE)


def decide(counts: ShadowCounts, terms: ShadowTerms, ending: Ending) -> GateDecision:
    """Return the stage's end as a decision of the gate, with its reasons and figures."""
    figures = figures_of(counts, terms)
    sentence = (
        f"of {counts.items} live items that it may answer, the two differ on {counts.differing}:"
        f" right where the champion errs on {counts.won}, wrong where the champion is right on"
        f" {counts.lost}; evidence that it loses less than {terms.margin:.1%} of accuracy:"
        f" {figures['evidence_for']:.3g}, and {figures['needed_for']:.3g} is needed"
    )
    if ending == "refused":
        sentence += (
            f"; evidence that it loses more: {figures['evidence_against']:.3g}, where"
            f" {figures['needed_against']:.3g} is enough"
        )
    test = GateTest("shadow", _OUTCOMES[ending], sentence, "shadow", figures)
    reasons = [sentence] if ending != "undecided" else [sentence, advice_of(counts, terms)]
    return GateDecision(ending == "passed", reasons, tests=[test])


def advice_of(counts: ShadowCounts, terms: ShadowTerms) -> str:
    """Say what would help an undecided stage."""
    gain = counts.difference + terms.margin
    if not counts.items:
        return (
            "undecided: no item came that it may answer; let the stage last longer"
            " (training.gate.shadow.days), or approve or reject it"
        )
    if gain <= 0:
        return (
            "undecided: so far it looks worse by the margin or more, and more labels would probably"
            " refuse it: train a version on more labels, or reject it"
        )
    # The capital grows by about gain²/(2 share) an item, and a mixture of rates costs some of it.
    share = max(counts.differing / counts.items, 1 / counts.items)
    items = (1.5 - math.log(terms.alpha)) * 2 * share / gain**2
    labels = math.ceil(max(items * share, 1))
    return (
        f"undecided: at this rate, about {math.ceil(items)} items with {labels} reviewed"
        " disagreements would let it pass (training.gate.shadow.labels, days and share); or approve"
        " or reject it"
    )
