"""The promotion gate (pure): may a version take the champion's place, and why.

A certified champion is replaced only by a certified version, an uncertified one by any better.
"""

from collections.abc import Sequence
from dataclasses import dataclass

# With fewer items that the champion has not seen, out-of-fold accuracies say more.
_ENOUGH_PAIRS = 50
_COVERAGE_MARGIN = 0.05


@dataclass(frozen=True)
class GateDecision:
    """Whether to promote, and the reasons for people to read.

    `coverage_lost` is the share of items that champions up to this version have given up, each
    measured against the one before on one population, less what they have won back.
    """

    promote: bool
    reasons: list[str]
    coverage_lost: float = 0.0


def judge_uncertified(
    *,
    champion_certified: bool,
    pairs: Sequence[tuple[bool, bool]],
    accuracy: float,
    champion_accuracy: float,
) -> GateDecision:
    """Judge an uncertified version against the champion.

    Parameters
    ----------
    champion_certified
        Whether the champion's certificate holds: then nothing uncertified replaces it.
    pairs
        (new version right, champion right) on items that neither had seen when it answered.
    accuracy, champion_accuracy : in [0, 1]
        Out-of-fold accuracies, compared when there are fewer than 50 pairs.
    """
    if champion_certified:
        return GateDecision(False, ["the champion is certified; this version is not"])
    if len(pairs) < _ENOUGH_PAIRS:
        reason = (
            f"right on {accuracy:.1%} of the labels that it had not learned from, the champion on"
            f" {champion_accuracy:.1%} of its own"
        )
        return GateDecision(accuracy > champion_accuracy, [reason])
    gained = sum(new and not old for new, old in pairs)
    lost = sum(old and not new for new, old in pairs)
    reason = f"of {len(pairs)} items new to both, right where the champion errs on {gained}, "
    return GateDecision(gained > lost, [f"{reason}wrong where the champion is right on {lost}"])


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


def judge_certified(
    *,
    champion_certified: bool,
    coverage: float,
    champion_coverage: float | None,
    lost_before: float = 0.0,
) -> GateDecision:
    """Judge a newly certified version against the champion.

    It may cover five points less than the best of the line of champions: a measured coverage
    varies by as much, and small losses must not add up from version to version.

    Parameters
    ----------
    champion_certified
        Whether the champion's certificate holds; one that is not certified gives way at once.
    coverage, champion_coverage : in [0, 1]
        Share of one population at or above each version's own threshold; None: not measured.
    lost_before : in [0, 1]
        The champion's own `coverage_lost`.
    """
    if not champion_certified:
        return GateDecision(True, ["certified, and the champion is not"])
    if champion_coverage is None:
        reason = (
            "the champion's coverage was not measured: it changed under the certification, or "
            "its model cannot score"
        )
        return GateDecision(False, [reason])
    reason = f"certified to answer {coverage:.1%} of the population, the champion "
    reason += f"{champion_coverage:.1%}"
    if lost_before > 0:
        reason += f", which answers {lost_before:.1%} less than champions before it"
    lost = round(max(0.0, lost_before + champion_coverage - coverage), 12)
    return GateDecision(lost <= _COVERAGE_MARGIN, [reason], lost)
