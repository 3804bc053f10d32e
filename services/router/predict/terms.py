"""What the items of many calls share: the version that scores them, and the rules it stands under.

Worked out once for each view and version, and again when the status may have changed. And why no
automatic answers are given, in the trainer's words where these apply.
"""

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

import orjson
import structlog

from services.router.metrics import REFUSED_CERTIFICATES
from services.router.routing.draws import audit_draw
from services.router.versions.loading import LoadedVersion
from services.router.versions.views import View
from shared.contracts.base import rfc3339
from shared.contracts.capacity import CapacitySettings, is_worth_review
from shared.contracts.decisions import ReviewMode
from shared.contracts.promise_status import PromiseStatus, promise_status
from shared.contracts.reasons import WHY_NOT
from shared.contracts.versions import PromiseDocument, PromiseEntry
from shared.draws import Draw
from shared.routing.decisions import Decision, Policy

log = structlog.get_logger()


@dataclass(frozen=True)
class Terms:
    """The rules for one version in one view.

    `policies` has one for each way to ask; `optional` is the one by which certified items may wait
    for an optional review, where the project states what that is worth. `response_fields` are those
    that each prediction repeats, `row_fields` those that each row of the decision log does.
    """

    view: View
    status: PromiseStatus
    policies: dict[ReviewMode, Policy]
    optional: Policy | None
    response_fields: dict[str, Any]
    row_fields: dict[str, Any]
    summary: bytes
    since: datetime
    _encoded: dict[int, bytes] = field(init=False)
    _until: datetime = field(init=False)

    def __post_init__(self) -> None:
        """Work out what every call needs: the answers that a policy gives, encoded, and the end."""
        policies = [*self.policies.values(), *([self.optional] if self.optional else [])]
        answers = [answer for policy in policies for answer in policy.answers]
        # By identity: to compare or hash a decision takes longer than to encode it.
        encoded = {id(answer): self._encode(answer) for answer in answers}
        object.__setattr__(self, "_encoded", encoded)
        # In UTC, as `now` is: between two time zones each comparison computes both offsets.
        until = self.status.until or datetime.max.replace(tzinfo=UTC)
        object.__setattr__(self, "_until", until.astimezone(UTC))

    def encoded(self, decision: Decision) -> bytes:
        """Return the end of a `Prediction`: the members that do not depend on the item's score."""
        return self._encoded.get(id(decision)) or self._encode(decision)

    def _encode(self, decision: Decision) -> bytes:
        fields = {
            "decision": decision.decision,
            "label": decision.label,
            "suggestion": decision.suggestion,
            "reason": decision.reason,
            "audited": decision.audited,
            "propensity": decision.propensity,
            "task_id": decision.task_id,
            **self.response_fields,
        }
        return b"," + orjson.dumps(fields)[1:]

    def policy(self, review: ReviewMode, *, are_free: bool) -> Policy:
        """Return the policy of a call; `are_free`: reviewers have time for optional reviews."""
        if review == "auto" and are_free and self.optional is not None:
            return self.optional
        return self.policies[review]

    def hold(self, view: View, now: datetime) -> bool:
        """Say whether these are still the terms."""
        return self.view is view and self.since <= now < self._until


def terms_of(view: View, scored_by: LoadedVersion | None, secret: str, now: datetime) -> Terms:
    """Work out the terms of what `scored_by` scores: its own promise decides.

    None stands for a project that nothing serves; `secret` is what audit keys come from.
    """
    documents, promise = view.documents, view.documents.promise
    name = documents.project.project
    found = promise_status_of(view, scored_by, now)
    if scored_by is not None and found.refusal is not None and found.until is not None:
        # The certificate was given after the present moment, as this clock has it.
        REFUSED_CERTIFICATES.labels(name, "clock").inc()
        log.error(
            "certificate_refused",
            project=name,
            model_version=scored_by.version,
            cause="clock",
            valid_from=rfc3339(found.until),
        )
    audit = _audit_draw(name, promise, scored_by, secret)
    day = None if promise is None else promise.audit_day
    policy = Policy(name, tuple(documents.project.labels), found, audit)
    return Terms(
        view=view,
        status=found,
        policies={
            "auto": policy,
            "always": replace(policy, review="always"),
            "never": replace(policy, review="never"),
        },
        optional=_optional(policy, documents.project.capacity),
        response_fields={
            "model_version": scored_by.version if scored_by is not None else None,
            "policy_revision": promise.revision if promise is not None else None,
        },
        row_fields={} if day is None else {"audit_day": day},
        summary=orjson.dumps(promise_summary(view, found)),
        since=now,
    )


def _optional(policy: Policy, capacity: CapacitySettings) -> Policy | None:
    """Return the policy with optional reviews; None if no item could be worth one."""
    if policy.least is None or not is_worth_review(policy.least, capacity):
        return None
    return replace(policy, capacity=capacity)


def _audit_draw(
    project: str, promise: PromiseDocument | None, scored_by: LoadedVersion | None, secret: str
) -> Draw:
    """Return the audit draw of a version's answers: a warned version has a rate of its own."""
    if promise is None:
        return audit_draw(secret, project, "", 0.0)
    entry = promise.versions.get(scored_by.version) if scored_by is not None else None
    own = entry.audit_rate if entry is not None else None
    rate = promise.audit_rate if own is None else own
    return audit_draw(secret, project, promise.audit_epoch, rate, promise.audit_day)


def promise_status_of(view: View, scored_by: LoadedVersion | None, now: datetime) -> PromiseStatus:
    """Judge whether `scored_by` may answer at `now`; None for a project that nothing serves."""
    documents = view.documents
    if scored_by is None:
        nothing = documents.channels.champion is None
        return PromiseStatus("uncertified", "no_model" if nothing else "model_invalid")
    return promise_status(
        documents.project,
        documents.digest,
        documents.promise,
        scored_by.version,
        scored_by.sha256,
        now,
    )


def promise_summary(view: View, status: PromiseStatus) -> dict[str, Any]:
    """Return the `PromiseSummary` of a version with this status."""
    settings = view.documents.project.promise
    expires_at = status.expires_at
    return {
        "state": status.state,
        "target_accuracy": settings.target_accuracy,
        "confidence": settings.confidence,
        "threshold": status.threshold,
        "expires_at": rfc3339(expires_at) if expires_at is not None else None,
    }


def why_not_answering(view: View, status: PromiseStatus, now: datetime) -> str | None:
    """Say in words why the serving version answers nothing at `now`; None if it does."""
    if status.refusal is None:
        return None
    if status.refusal == "no_model":
        return WHY_NOT["no_version"]
    if view.serving is None:
        return WHY_NOT["not_loaded"]
    promise = view.documents.promise
    entry = None if promise is None else promise.versions.get(view.serving.version)
    if entry is not None and entry.why_not is not None:
        return entry.why_not
    return WHY_NOT[_cause(entry, status, view.documents.digest, now)]


def _cause(
    entry: PromiseEntry | None, status: PromiseStatus, digest: str | None, now: datetime
) -> str:
    """Name what this router found by itself: the trainer has not said it, or not yet."""
    if entry is None or entry.certificate is None:
        return "not_certified"
    if status.refusal == "promise_expired":
        is_over = entry.expires_at is None or now >= entry.expires_at
        return "expired" if is_over else "unwatched"
    if entry.certificate.digest != digest:
        return "project_changed"
    return "certificate_refused" if status.until is None else "clock"
