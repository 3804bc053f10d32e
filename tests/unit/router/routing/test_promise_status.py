"""How the promise stands for the version that scored: what is not proven fails closed."""

from datetime import UTC, datetime, timedelta

import pytest

from services.router.routing.draws import audit_draw
from shared.contracts.decisions import Reason
from shared.contracts.projects import Project, StoredPromiseSettings, certificate_digest
from shared.contracts.promise_status import PromiseStatus, as_float32, promise_status
from shared.contracts.versions import Certificate, PromiseDocument, PromiseEntry
from shared.fields.text import TextField
from shared.routing.decisions import Policy, route
from shared.routing.scores import Score

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
LABELS = ("negative", "neutral", "positive")
NEVER = audit_draw("s" * 32, "shop", "epoch", 0.0)
PROJECT = Project(
    project="shop",
    revision=1,
    labels=list(LABELS),
    fields={"text": TextField()},
    promise=StoredPromiseSettings(target_accuracy=0.95, confidence=0.95),
    created_at=NOW,
    updated_at=NOW,
)
DIGEST = certificate_digest(PROJECT)
CERTIFICATE = Certificate(
    target_accuracy=0.95,
    confidence=0.95,
    threshold=0.9,
    labels=500,
    errors=10,
    upper_bound=0.04,
    attempt=1,
    delta=0.04,
    digest=DIGEST,
    model_sha256="ab" * 32,
    population="pool",
    certified_at=NOW,
)
ENTRY = PromiseEntry(
    state="certified",
    threshold=0.9,
    expires_at=NOW + timedelta(days=30),
    watched_until=NOW + timedelta(hours=6),
    certificate=CERTIFICATE,
)


def changed(entry: PromiseEntry = ENTRY, **changes: object) -> PromiseEntry:
    return entry.model_copy(update=changes)


def judge(entry: PromiseEntry | None, project: Project = PROJECT) -> PromiseStatus:
    promise = PromiseDocument(
        revision=1,
        target_accuracy=0.95,
        confidence=0.95,
        audit_rate=0.05,
        audit_epoch="e",
        versions={"v3": entry} if entry is not None else {},
    )
    return promise_status(project, certificate_digest(project), promise, "v3", "ab" * 32, NOW)


@pytest.mark.parametrize("state", ["certified", "warn"])
def test_a_promise_in_force_answers(state: str) -> None:
    found = judge(changed(state=state))
    assert found == PromiseStatus(
        state, None, as_float32(0.9), ENTRY.expires_at, ENTRY.watched_until
    )


@pytest.mark.parametrize(
    ("entry", "reason"),
    [
        (None, "uncertified"),
        (changed(state="uncertified"), "uncertified"),
        (changed(threshold=None), "uncertified"),
        (changed(certificate=None), "uncertified"),
        (changed(threshold=0.89), "uncertified"),
        (changed(certificate=CERTIFICATE.model_copy(update={"digest": "0" * 64})), "uncertified"),
        (
            changed(certificate=CERTIFICATE.model_copy(update={"model_sha256": "0" * 64})),
            "uncertified",
        ),
        (
            changed(certificate=CERTIFICATE.model_copy(update={"target_accuracy": 0.9})),
            "uncertified",
        ),
        (changed(certificate=CERTIFICATE.model_copy(update={"confidence": 0.9})), "uncertified"),
        (changed(certificate=CERTIFICATE.model_copy(update={"errors": 60})), "uncertified"),
        (changed(certificate=CERTIFICATE.model_copy(update={"method": "other"})), "uncertified"),
        (changed(state="suspended"), "promise_suspended"),
        (changed(state="recertifying"), "promise_suspended"),
        (changed(state="expired"), "promise_expired"),
        (changed(expires_at=NOW), "promise_expired"),
        (changed(watched_until=NOW), "promise_expired"),
        (changed(expires_at=None), "promise_expired"),
        (changed(watched_until=None), "promise_expired"),
    ],
)
def test_everything_unproven_fails_closed(entry: PromiseEntry | None, reason: Reason) -> None:
    found = judge(entry)
    assert (found.refusal, found.threshold) == (reason, None)
    policy = Policy("shop", LABELS, found, NEVER)
    decision = route("a", Score(0, 1.0, [1.0, 0.0, 0.0]), policy)
    assert (decision.decision, decision.reason) == ("in_review", reason)


@pytest.mark.parametrize(
    "change",
    [
        {"labels": ["negative", "positive"]},
        {"labels": ["positive", "neutral", "negative"]},
        {"fields": {"text": TextField(max_length=5)}},
        {"instructions": "Read twice."},
        {"promise": StoredPromiseSettings(target_accuracy=0.99, confidence=0.95)},
    ],
)
def test_a_project_changed_under_its_certificate_is_uncertified(
    change: dict[str, object],
) -> None:
    assert judge(ENTRY, PROJECT.model_copy(update=change)).refusal == "uncertified"


def test_without_a_promise_document_nothing_is_answered() -> None:
    assert promise_status(PROJECT, DIGEST, None, "v3", "ab" * 32, NOW).refusal == "uncertified"
