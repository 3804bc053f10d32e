"""The tests that compare two versions on the same items (pure)."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

from services.trainer.gate.brier import bootstrap_bound, brier_differences
from services.trainer.gate.pairs import Pair, PairedEvidence, count
from services.trainer.gate.spending import holm, try_alpha
from services.trainer.gate.tango import (
    PairCounts,
    difference_bound,
    least_items,
    p_not_worse,
    p_worse,
)
from shared.contracts.certificates import complement
from shared.contracts.gate_settings import GateSettings

MOST_SLICES = 200
_LONGEST_VALUE = 100
Outcome = Literal["passed", "failed", "insufficient"]
Figures = dict[str, float | int | str | None]
WHERE = {
    "certification": "items drawn from where it may answer",
    "gold": "gold items",
    "out_of_fold": "items new to both",
}


@dataclass(frozen=True)
class GateTest:
    """One test: `insufficient` means that there are too few items to say, and holds nothing back.

    `figures` are counts, differences, bounds and p-values by name.
    """

    name: Literal["coverage", "accuracy", "brier", "slice", "shadow"]
    outcome: Outcome
    reason: str
    evidence: str | None = None
    figures: Figures = field(default_factory=dict)


@dataclass(frozen=True)
class GateTerms:
    """What a decision is made by.

    Attributes
    ----------
    settings : the project's
    target_accuracy : in (0.5, 1), the promise's
    seed : of the bootstrap; the same seed and evidence give the same decision
    """

    settings: GateSettings
    target_accuracy: float
    seed: int = 0

    @property
    def margin(self) -> float:
        """What accuracy may lose: as the project says, or half of the promised error."""
        stated = self.settings.margin
        return complement(self.target_accuracy) / 2 if stated is None else stated


def compare(evidence: PairedEvidence, alpha: float, terms: GateTerms) -> list[GateTest]:
    """Test accuracy, Brier score and declared slices on one kind of evidence.

    Parameters
    ----------
    alpha : in (0, 0.5)
        What the try may spend.
    """
    return [
        _accuracy_test(evidence, alpha, terms),
        _brier_test(evidence, alpha, terms),
        *slice_tests(evidence, terms),
    ]


def _too_few(evidence: PairedEvidence, terms: GateTerms) -> str | None:
    """Say that no answers to so few items could show anything; None if there are enough.

    The number is that of the first try: later ones, which need more, must not pass for lack of it.
    """
    least = least_items(terms.margin, try_alpha(terms.settings.alpha, 1))
    found = len(evidence.pairs)
    if found >= least:
        return None
    return f"{found} {WHERE[evidence.kind]} are too few, it takes {least}"


def _accuracy_test(evidence: PairedEvidence, alpha: float, terms: GateTerms) -> GateTest:
    counts, margin = count(evidence.pairs), terms.margin
    figures: Figures = {**vars(counts), "margin": margin}
    too_few = _too_few(evidence, terms)
    if too_few is not None:
        reason = f"accuracy not compared: {too_few}"
        return GateTest("accuracy", "insufficient", reason, evidence.kind, figures)
    bound, p_value = difference_bound(counts, alpha), p_not_worse(counts, margin)
    figures |= {
        "difference": counts.difference,
        "lower_bound": bound,
        "alpha": alpha,
        "p_value": p_value,
    }
    reason = (
        f"of {counts.items} {WHERE[evidence.kind]}, right where the champion errs on"
        f" {counts.gained}, wrong where the champion is right on {counts.lost}: the difference in"
        f" accuracy is at least {bound:+.1%}, and may be {-margin:+.1%}"
    )
    outcome: Outcome = "passed" if p_value <= alpha else "failed"
    return GateTest("accuracy", outcome, reason, evidence.kind, figures)


def _brier_test(evidence: PairedEvidence, alpha: float, terms: GateTerms) -> GateTest:
    margin, pairs = terms.settings.brier_margin, evidence.pairs
    too_few = _too_few(evidence, terms)
    if too_few is not None:
        reason = f"Brier score not compared: {too_few}"
        return GateTest("brier", "insufficient", reason, evidence.kind, {"items": len(pairs)})
    differences = brier_differences(pairs)
    bound = bootstrap_bound(differences, alpha, terms.seed)
    mean = float(differences.mean())
    figures: Figures = {
        "items": len(pairs),
        "difference": mean,
        "upper_bound": bound,
        "alpha": alpha,
        "margin": margin,
    }
    reason = f"its Brier score is {mean:+.4f} from the champion's, at most {bound:+.4f}"
    outcome: Outcome = "passed" if bound < margin else "failed"
    return GateTest("brier", outcome, f"{reason}, and may be {margin:+.4f}", evidence.kind, figures)


def slice_tests(evidence: PairedEvidence, terms: GateTerms) -> list[GateTest]:
    """Test each declared slice for a regression; of those with too few items some are listed.

    A key may have as many values as there are items, and the tests are kept with the version.
    """
    settings = terms.settings
    found = judge_slices(
        evidence.pairs,
        settings.slices,
        margin=terms.margin,
        alpha=settings.alpha,
        least=settings.slice_items,
    )
    tests = []
    for one in found[:MOST_SLICES]:
        name = f"{one.key}={one.value}"
        figures: Figures = {
            "key": one.key,
            "value": one.value,
            **vars(one.counts),
            "p_value": one.p_value,
        }
        if one.p_value is None:
            outcome: Outcome = "insufficient"
            reason = f"{name} not compared: {one.counts.items} items are too few"
        else:
            outcome = "failed" if one.is_worse else "passed"
            shown = "shown to be worse" if one.is_worse else "not shown to be worse"
            reason = f"{name}: {shown}, {one.counts.difference:+.1%} on {one.counts.items} items"
        tests.append(GateTest("slice", outcome, reason, evidence.kind, figures))
    return tests


@dataclass(frozen=True)
class SliceFigures:
    """One slice: the items whose metadata have `value` under `key`.

    `p_value` is None where it has too few items to be tested. `is_worse`: Holm's procedure over all
    slices that are tested finds it worse than the margin allows.
    """

    key: str
    value: str
    counts: PairCounts
    p_value: float | None
    is_worse: bool = False


def judge_slices(
    pairs: Sequence[Pair],
    keys: Sequence[str],
    *,
    margin: float,
    alpha: float,
    least: int,
) -> list[SliceFigures]:
    """Test each declared slice for a regression, most likely ones first.

    The chance to find any slice worse where none is, is at most `alpha` (Holm).

    Parameters
    ----------
    keys
        Metadata keys; each value of a key is a slice. Of more than 200 the largest are tested, and
        the others count as too small.
    margin : in [0, 1)
        What a slice's accuracy may fall by.
    least : at least 1
        Slices with fewer items are listed, not tested.
    """
    found = _slices(pairs, keys)
    large = sorted((len(rows), name) for name, rows in found.items() if len(rows) >= least)
    tested = {name for _, name in large[-MOST_SLICES:]}
    counts = {name: count(rows) for name, rows in found.items()}
    figures = [
        SliceFigures(*name, one, p_worse(one, margin) if name in tested else None)
        for name, one in counts.items()
    ]
    figures.sort(key=lambda one: (one.p_value is None, one.p_value or 0.0, one.key, one.value))
    worse = sum(holm([one.p_value for one in figures if one.p_value is not None], alpha))
    return [replace(one, is_worse=place < worse) for place, one in enumerate(figures)]


def _slices(pairs: Sequence[Pair], keys: Sequence[str]) -> dict[tuple[str, str], list[Pair]]:
    found: dict[tuple[str, str], list[Pair]] = defaultdict(list)
    for pair in pairs:
        for key in keys:
            value = pair.metadata.get(key)
            if value is not None and not isinstance(value, (dict, list)):
                found[key, str(value)[:_LONGEST_VALUE]].append(pair)
    return found
