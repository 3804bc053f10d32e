"""The promotion gate (pure): may a version take the champion's place, and why.

A certified champion is replaced only by a certified version that is shown not to be worse. An
uncertified champion, which answers nothing by itself, is replaced by any version that is right more
often on the labels at hand.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from services.trainer.gate.comparing import (
    WHERE,
    Figures,
    GateTerms,
    GateTest,
    Outcome,
    compare,
    slice_tests,
)
from services.trainer.gate.pairs import PairedEvidence, count
from services.trainer.gate.spending import try_alpha
from services.trainer.gate.tango import difference_bound

# With fewer items that the champion has not seen, out-of-fold accuracies say more.
_ENOUGH_PAIRS = 50
_NOT_MEASURED = (
    "the champion's coverage was not measured: it changed under the certification, or its model "
    "cannot score"
)


@dataclass(frozen=True)
class GateDecision:
    """Whether to promote, and the reasons for people to read.

    `coverage_lost` is the share of items that champions up to this version have given up, each
    measured against the one before on one population, less what they have won back. `try_number`
    counts the versions whose accuracy was tested against this champion, this one included; None
    where it was not tested.
    """

    promote: bool
    reasons: list[str]
    coverage_lost: float = 0.0
    tests: list[GateTest] = field(default_factory=list)
    try_number: int | None = None
    alpha: float | None = None


def judge_uncertified(
    *,
    champion_certified: bool,
    evidence: Sequence[PairedEvidence],
    accuracy: float,
    champion_accuracy: float,
    terms: GateTerms,
) -> GateDecision:
    """Judge an uncertified version against the champion.

    Parameters
    ----------
    champion_certified
        Whether the champion's certificate holds: then nothing uncertified replaces it.
    evidence
        Items that neither had seen when it answered: the first kind with 50 of them decides.
    accuracy, champion_accuracy : in [0, 1]
        Out-of-fold accuracies, compared when there are fewer items.
    """
    if champion_certified:
        return GateDecision(False, ["the champion is certified; this version is not"])
    used = next((one for one in evidence if len(one.pairs) >= _ENOUGH_PAIRS), None)
    if used is None:
        reason = (
            f"right on {accuracy:.1%} of the labels that it had not learned from, the champion on"
            f" {champion_accuracy:.1%} of its own"
        )
        return GateDecision(accuracy > champion_accuracy, [reason])
    return _decided([_better_test(used, terms), *slice_tests(used, terms)])


def _better_test(evidence: PairedEvidence, terms: GateTerms) -> GateTest:
    """Say whether the version is right more often than the champion, by however little."""
    counts = count(evidence.pairs)
    reason = (
        f"of {counts.items} {WHERE[evidence.kind]}, right where the champion errs on"
        f" {counts.gained}, wrong where the champion is right on {counts.lost}"
    )
    figures: Figures = {
        **vars(counts),
        "difference": counts.difference,
        "lower_bound": difference_bound(counts, terms.settings.alpha),
    }
    outcome: Outcome = "passed" if counts.gained > counts.lost else "failed"
    return GateTest("accuracy", outcome, reason, evidence.kind, figures)


def judge_own(right: int, labels: int) -> GateDecision:
    """Judge a version from elsewhere against an uncertified champion: evidence must be fresh.

    Parameters
    ----------
    right, labels
        Labels at hand, and on how many of them it is right. They may have trained it.
    """
    reason = (
        f"made elsewhere: it is right on {right} of {labels} labels at hand, which it may have "
        "been trained on; it serves once it is certified, or once it is promoted by hand"
    )
    return GateDecision(False, [reason])


@dataclass(frozen=True)
class Coverages:
    """What share of one population each version may answer, at its own threshold.

    `champion` is None where it was not measured. `lost_before` is the champion's `coverage_lost`.
    """

    new: float
    champion: float | None
    lost_before: float = 0.0


def judge_certified(
    *,
    champion_certified: bool,
    coverages: Coverages,
    terms: GateTerms,
    evidence: Sequence[PairedEvidence] = (),
    tries_before: int = 0,
) -> GateDecision:
    """Judge a newly certified version against the champion: it must pass every test.

    It may cover a margin less than the best of the line of champions: a measured coverage varies by
    as much, and small losses must not add up from version to version. Where the labels suffice, it
    must be shown not to be less accurate by the margin (Tango's score test at `try_alpha`), nor
    less well calibrated (Brier score, paired bootstrap), and no declared slice may be shown to be
    worse (Holm). The tests need no correction among one another, since all must pass
    (intersection-union test); the versions that are tried share `alpha`.

    Parameters
    ----------
    champion_certified
        Whether the champion's certificate holds; one that is not certified gives way at once.
    evidence
        Answers of both to the same items, of each kind that there is.
    tries_before : at least 0
        Versions whose accuracy was tested against this champion before.
    """
    if not champion_certified:
        return GateDecision(True, ["certified, and the champion is not"])
    if coverages.champion is None:
        return GateDecision(False, [_NOT_MEASURED])
    number = tries_before + 1
    alpha = try_alpha(terms.settings.alpha, number)
    covering, lost = _coverage_test(coverages, coverages.champion, terms)
    compared = [test for one in evidence for test in compare(one, alpha, terms)]
    decision = _decided([covering, *compared], lost)
    is_try = any(test.name == "accuracy" and test.outcome != "insufficient" for test in compared)
    return replace(decision, try_number=number, alpha=alpha) if is_try else decision


def _decided(tests: list[GateTest], lost: float = 0.0) -> GateDecision:
    promote = all(test.outcome != "failed" for test in tests)
    return GateDecision(promote, [test.reason for test in tests], lost, tests)


def _coverage_test(
    coverages: Coverages, champion: float, terms: GateTerms
) -> tuple[GateTest, float]:
    """Return the test, and what the line of champions will have lost with this version."""
    before, margin = coverages.lost_before, terms.settings.coverage_margin
    reason = f"certified to answer {coverages.new:.1%} of the population, the champion "
    reason += f"{champion:.1%}"
    if before > 0:
        reason += f", which answers {before:.1%} less than champions before it"
    lost = round(max(0.0, before + champion - coverages.new), 12)
    figures: Figures = {
        "coverage": coverages.new,
        "champion_coverage": champion,
        "lost": lost,
        "margin": margin,
    }
    outcome: Outcome = "passed" if lost <= margin else "failed"
    return GateTest("coverage", outcome, reason, figures=figures), lost
