"""The evidence in an item's outcomes: the answer that was given before anything was shown.

A reviewer who takes an answer back has seen its outcome, and an operator who asks again knows what
the model said. So the first answer is the evidence. A later one can end it, and never make it: an
error stays an error, and an item whose people changed their minds confirms no version.

Where the first answer is one reviewer's and contradicts a version, another reviewer is asked
(`opinions`): then what these answer together is the evidence, in place of the first answer.
"""

from dataclasses import dataclass

from services.trainer.tables import OutcomeRow, SecondOpinion
from shared.contracts.tasks import REVIEWED_SOURCES, Outcome, has_answer


@dataclass(frozen=True)
class Evidence:
    """`label` is null where people could not answer, or gave different labels at different times.

    `blind`: the first answer was given with no suggestion in sight. `is_lone`: it is one
    reviewer's.
    """

    label: str | None
    blind: bool
    is_lone: bool = False

    def confirms(self, label: str | None) -> bool:
        """Say whether people gave this label, asked blind."""
        return self.blind and label is not None and self.label == label


def evidence_of(row: OutcomeRow) -> Evidence:
    """Return what a row says as evidence."""
    if row.evidence_blind is not None:
        return Evidence(row.evidence_label, row.evidence_blind, bool(row.evidence_is_lone))
    # The release before kept the newest revision alone: what came before a later one is unknown.
    return Evidence(row.label if row.revision == 1 else None, row.blind)


def is_doubted(row: OutcomeRow, label: str | None) -> bool:
    """Say whether one reviewer alone, asked blind, gave another label than the version."""
    evidence = evidence_of(row)
    return evidence.is_lone and evidence.blind and evidence.label not in (None, label)


def evidence_after(
    row: OutcomeRow | None, outcome: Outcome, opinion: SecondOpinion | None = None
) -> Evidence:
    """Return the evidence after `outcome`, which follows the outcomes in `row`.

    `opinion` is the second opinion that is waited for.
    """
    if row is None:
        is_lone = outcome.source == "human" and outcome.verdicts == 1
        return Evidence(outcome.label, outcome.blind, is_lone)
    before = evidence_of(row)
    if outcome.mapped:
        # No reviewer has answered since: the earlier answer judges answers with the old name.
        return before
    if opinion is not None and answers(outcome, opinion):
        return Evidence(outcome.label, before.blind and outcome.blind)
    if is_answer(outcome) and outcome.label != before.label:
        return Evidence(None, before.blind)
    return before


def answers(outcome: Outcome, opinion: SecondOpinion) -> bool:
    """Say whether this is the outcome that the second opinion was to make."""
    is_next = outcome.revision == opinion.revision + 1
    return is_next and is_answer(outcome) and not outcome.mapped


def is_answer(outcome: Outcome) -> bool:
    """Say whether people gave a label, or could not; not that the task expired, or waits again."""
    return has_answer(outcome.label, outcome.verdicts) and outcome.source in REVIEWED_SOURCES
