"""Why an item was answered or went to people, in words and figures (pure)."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from shared.contracts.decisions import DecisionRow

_OPENINGS = {
    "answered": "Answered",
    "in_review": "Sent to people",
    "declined": "Declined (review: never)",
}
_CAUSES = {
    "human": "people had resolved the item with the label {label}",
    "forced": "asked for by review: always",
    "no_model": "the router had no model version that could score it",
    "model_invalid": "{version} gave no valid probabilities for it",
    "uncertified": "{version} was not certified then",
    "promise_suspended": "the promise of {version} was suspended",
    "promise_expired": (
        "the certificate of {version} had expired, or its watch had not been renewed"
    ),
}
_MOST_DIGITS = 9


@dataclass(frozen=True)
class PromiseThen:
    """What is on record of one version's promise at the moment of a decision.

    `threshold` is that of the newest certificate given before it, None where there was none.
    `suspension` says in words why the promise was suspended last, None where it never was.
    """

    threshold: float | None = None
    suspension: str | None = None


@dataclass(frozen=True)
class PromiseRecord:
    """The certificates and suspensions of a project's versions, each list oldest first.

    `thresholds` has (version, moment, threshold) of each certificate; `suspensions` has (version,
    moment, why), with version None where all were suspended.
    """

    thresholds: Sequence[tuple[str, datetime, float]] = ()
    suspensions: Sequence[tuple[str | None, datetime, str]] = ()

    def at(self, version: str | None, moment: datetime) -> PromiseThen:
        """Return what was on record of `version` at `moment`."""
        given = [value for of, at, value in self.thresholds if of == version and at <= moment]
        ended = [why for of, at, why in self.suspensions if of in (None, version) and at <= moment]
        return PromiseThen(given[-1] if given else None, ended[-1] if ended else None)


def explain(row: DecisionRow, then: PromiseThen) -> str:
    """Say why the router decided so, with the figures that are on record.

    A threshold that contradicts the decision is left out: the router may have read a certificate
    some seconds later than the trainer gave it.

    Parameters
    ----------
    row
        As the router logged it; of an erased item, without its confidence.
    then
        What is on record of the promise of the row's version when the row was decided.
    """
    opening = _OPENINGS.get(row.decision, row.decision)
    text = f"{opening}: {_cause(row, then)}."
    if row.audited:
        text += f" It was also drawn for a blind audit (audit rate {row.propensity:g})."
    return text


def _cause(row: DecisionRow, then: PromiseThen) -> str:
    if row.reason in ("confident", "below_threshold"):
        return _comparison(row, then.threshold)
    if row.reason == "optional_review":
        return (
            f"{_comparison(row, then.threshold)}, and a review was worth more than its price; the"
            " model's answer follows if no reviewer answers in time"
        )
    text = _CAUSES.get(row.reason, "reason {reason}").format(
        version=row.model_version or "the version", label=row.label, reason=row.reason
    )
    if row.reason == "promise_suspended" and then.suspension is not None:
        text += f" ({then.suspension})"
    return text


def _comparison(row: DecisionRow, threshold: float | None) -> str:
    """Compare confidence and threshold, in as many digits as tell them apart."""
    is_above = row.reason in ("confident", "optional_review")
    relation = "reaches" if is_above else "is below"
    if row.confidence is None:
        return f"the confidence, which was erased with the item, {relation} the certified threshold"
    if threshold is not None and is_above != (row.confidence >= threshold):
        threshold = None
    if threshold is None:
        name = row.model_version
        of = "" if name is None else f" of {name}"
        return f"confidence {row.confidence:.4g} {relation} the certified threshold{of}"
    digits = 2
    while digits < _MOST_DIGITS and f"{row.confidence:.{digits}f}" == f"{threshold:.{digits}f}":
        digits += 1
    return (
        f"confidence {row.confidence:.{digits}f} {relation} the certified threshold"
        f" {threshold:.{digits}f} of {row.model_version}"
    )
