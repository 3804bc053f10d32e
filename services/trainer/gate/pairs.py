"""Answers of two versions to the same items, judged by the same people (pure)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from services.trainer.gate.tango import PairCounts

EvidenceKind = Literal["certification", "gold", "out_of_fold"]


@dataclass(frozen=True)
class Pair:
    """One item: whether each version was right, and its confidence in its own label, in [0, 1]."""

    new_right: bool
    champion_right: bool
    new_confidence: float
    champion_confidence: float
    metadata: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class PairedEvidence:
    """Pairs of one kind.

    `certification`: drawn uniformly for the new version's certificate from where it may answer, and
    labelled blind. `gold`: the fold of contents that never trains, labelled blind and chosen by no
    model. `out_of_fold`: labels that the champion has not seen, each answered for the new version
    by a model that had not learned from it.
    """

    kind: EvidenceKind
    pairs: Sequence[Pair]


def count(pairs: Sequence[Pair]) -> PairCounts:
    """Count the items on which one version alone was right."""
    return PairCounts(
        items=len(pairs),
        gained=sum(pair.new_right and not pair.champion_right for pair in pairs),
        lost=sum(pair.champion_right and not pair.new_right for pair in pairs),
    )
