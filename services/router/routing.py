"""Probabilities + policy + promise -> decision. Pure: no clock, no I/O, no state.

An item is eligible when its confidence, in float32, reaches the certified threshold of the version
that scored it. Everything that is not proven fails closed: the item goes to people.
"""

import hashlib
import hmac
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Literal, NamedTuple

import numpy as np
import numpy.typing as npt

from shared.contracts.base import task_id_for
from shared.contracts.decisions import DecisionKind, Reason, ReviewMode
from shared.contracts.projects import Project
from shared.contracts.versions import PromiseDocument, PromiseEntry
from shared.graphs.rows import SUM_TOLERANCE, are_distributions

FloatArray = npt.NDArray[np.float32]

_DRAW_RANGE = 2**256
_FEW_LABELS = 8
_MOST = 1.0 + SUM_TOLERANCE


@dataclass(frozen=True, slots=True)
class Standing:
    """How the promise stands for one version at one moment.

    `refusal` is why nothing may be answered; None means that `threshold` is certified, and stays
    so before `until`.
    """

    state: str
    refusal: Reason | None
    threshold: np.float32 | None = None
    expires_at: datetime | None = None
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Policy:
    """All that routing needs and that the items of one call share.

    `labels` name the columns of the probabilities; `audit_rate` lies in [0, 1].
    """

    project: str
    labels: tuple[str, ...]
    standing: Standing
    audit_rate: float
    audit_key: bytes
    review: ReviewMode = "auto"


class Score(NamedTuple):
    """One item's class probabilities: float32 values, in the order of the labels.

    `top` is the column of the largest, and `confidence` that value.
    """

    top: int
    confidence: float
    probabilities: list[float]


@dataclass(frozen=True, slots=True)
class Decision:
    """What becomes of one item. `lane` is the lane of the task that it needs, None for no task."""

    decision: DecisionKind
    reason: Reason
    label: str | None = None
    suggestion: str | None = None
    confidence: float | None = None
    audited: bool = False
    propensity: float = 0.0
    task_id: str | None = None
    lane: Literal["mandatory", "audit"] | None = None


def standing(
    project: Project,
    digest: str,
    promise: PromiseDocument | None,
    version: str,
    model_sha256: str,
    now: datetime,
) -> Standing:
    """Judge whether `version` may answer at `now`.

    Parameters
    ----------
    digest : hex
        ``certificate_digest(project)``.
    model_sha256 : hex
        Digest of the graph that is loaded, not of the one that the manifest names.

    Returns
    -------
    Standing; its `refusal` is None only if the entry is certified (or warned), in date, watched,
    and its certificate speaks of this graph, this project and this target.
    """
    entry = promise.versions.get(version) if promise is not None else None
    if entry is None:
        return Standing("uncertified", "uncertified")
    if entry.state in ("suspended", "recertifying"):
        return Standing(entry.state, "promise_suspended", expires_at=entry.expires_at)
    if entry.state == "expired":
        return Standing("expired", "promise_expired", expires_at=entry.expires_at)
    if entry.state == "uncertified" or not _proven(entry, project, digest, model_sha256):
        return Standing("uncertified", "uncertified", expires_at=entry.expires_at)
    until = _last_moment(entry)
    if until is None or now >= until:
        return Standing("expired", "promise_expired", expires_at=entry.expires_at)
    return Standing(entry.state, None, np.float32(entry.threshold), entry.expires_at, until)


def _proven(entry: PromiseEntry, project: Project, digest: str, model_sha256: str) -> bool:
    certificate = entry.certificate
    if certificate is None or entry.threshold is None:
        return False
    return (
        certificate.digest == digest
        and certificate.model_sha256 == model_sha256
        and certificate.target_accuracy == project.promise.target_accuracy
        and certificate.confidence == project.promise.confidence
        # Scores above the certified threshold are proven, those below are not.
        and bool(np.float32(entry.threshold) >= np.float32(certificate.threshold))
    )


def _last_moment(entry: PromiseEntry) -> datetime | None:
    # A promise that nobody watches, or that never ends, is not one we can keep.
    if entry.expires_at is None or entry.watched_until is None:
        return None
    return min(entry.expires_at, entry.watched_until)


def audit_key(secret: str, project: str, epoch: str) -> bytes:
    """Key of a project's audit draw in one epoch, derived from the installation's secret."""
    return hmac.digest(secret.encode(), f"surehand/audit/{project}/{epoch}".encode(), "sha256")


def is_drawn(key: bytes, item_id: str, rate: float) -> bool:
    """Draw item `item_id` with probability `rate`, the same on every replica and every replay.

    HMAC-SHA256(key, item_id) / 2**256 < rate, in exact integer arithmetic.
    """
    draw = int.from_bytes(hmac.digest(key, item_id.encode(), hashlib.sha256), "big")
    return draw < int(rate * _DRAW_RANGE)


def canary_key(secret: str, project: str, version: str) -> bytes:
    """Key of the draw that gives a challenger its share, independent of the audit draw."""
    return hmac.digest(secret.encode(), f"surehand/canary/{project}/{version}".encode(), "sha256")


def challenged(key: bytes, item_ids: Iterable[str], share: float) -> list[int]:
    """Return the positions of the items that go to the challenger: a `share` of all, in [0, 1].

    Drawn as audits are, so an item's fate is the same on every replica and at every call, and a
    larger share takes in all that a smaller one had.
    """
    return [i for i, item_id in enumerate(item_ids) if is_drawn(key, item_id, share)]


def scores_of(rows: FloatArray) -> list[Score | None]:
    """Read what a graph answered.

    Parameters
    ----------
    rows : shape (n, K), float32

    Returns
    -------
    list of n; None for a row that is no distribution: not finite, outside [0, 1], or not summing
    to one within 0.001.
    """
    if rows.shape[1] <= _FEW_LABELS:
        # Calling NumPy costs more than these few comparisons.
        return [_score_of(row) for row in rows.tolist()]
    usable = are_distributions(rows)
    clipped = rows.clip(0.0, 1.0)
    tops = clipped.argmax(axis=1).tolist()
    return [
        Score(top, row[top], row) if good else None
        for good, top, row in zip(usable.tolist(), tops, clipped.tolist(), strict=True)
    ]


def _score_of(row: list[float]) -> Score | None:
    total = 0.0
    for probability in row:
        # A NaN fails every comparison.
        if not 0.0 <= probability <= _MOST:
            return None
        total += probability
    if not abs(total - 1.0) <= SUM_TOLERANCE:
        return None
    confidence = max(row)
    if confidence > 1.0:
        row = [min(probability, 1.0) for probability in row]
        confidence = 1.0
    return Score(row.index(confidence), confidence, row)


def is_eligible(confidence: float, standing: Standing) -> bool:
    """Say whether `confidence`, a float32 value, reaches the certified threshold."""
    threshold = standing.threshold
    return standing.refusal is None and threshold is not None and bool(confidence >= threshold)


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
    refusal = policy.standing.refusal
    if score is None:
        # Without a score there is nothing to answer with, whatever the promise says.
        return _ask(item_id, policy, Decision("in_review", refusal or "model_invalid"))
    suggestion = policy.labels[score.top]
    if policy.review == "always" or not is_eligible(score.confidence, policy.standing):
        reason = refusal or "below_threshold"
        scored = Decision("in_review", reason, suggestion=suggestion, confidence=score.confidence)
        return _ask(item_id, policy, scored)
    audited = is_drawn(policy.audit_key, item_id, policy.audit_rate)
    return Decision(
        "answered",
        "confident",
        label=suggestion,
        suggestion=suggestion,
        confidence=score.confidence,
        audited=audited,
        propensity=policy.audit_rate,
        task_id=task_id_for(policy.project, item_id) if audited else None,
        lane="audit" if audited else None,
    )


def _ask(item_id: str, policy: Policy, decision: Decision) -> Decision:
    if policy.review == "never":
        return replace(decision, decision="declined")
    return replace(
        decision,
        reason="forced" if policy.review == "always" else decision.reason,
        propensity=1.0,
        task_id=task_id_for(policy.project, item_id),
        lane="mandatory",
    )


def resolved_by_people(decision: Decision, label: str) -> Decision:
    """Answer with the `label` that people gave to the item that `decision` sent to them."""
    return replace(decision, decision="answered", reason="human", label=label)
