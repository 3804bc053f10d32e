"""channels.json and promise.json, made of the state, the project and the time (pure)."""

from collections.abc import Sequence
from datetime import datetime

from services.trainer.documents.status import status_of, why_not_valid
from services.trainer.tables import ProjectState, Version
from shared.contracts.base import from_stored
from shared.contracts.projects import Project
from shared.contracts.versions import (
    Certificate,
    Challenger,
    ChannelEvent,
    Channels,
    PromiseDocument,
    PromiseEntry,
)

_WARNED_FACTOR = 10


def render_channels(state: ProjectState) -> Channels:
    """Return channels.json for the state; it gets its place when it is written."""
    return Channels(
        epoch=state.epoch,
        revision=0,
        champion=state.champion,
        previous=state.previous,
        challenger=None
        if state.challenger is None
        else Challenger(version=state.challenger, share=state.challenger_share),
        shadow=state.shadow,
        history=[from_stored(ChannelEvent, event) for event in state.history],
    )


def render_promise(
    project: Project, state: ProjectState, versions: Sequence[Version], now: datetime
) -> PromiseDocument:
    """Return promise.json for the state, likewise without its place."""
    return PromiseDocument(
        epoch=state.epoch,
        revision=0,
        target_accuracy=project.promise.target_accuracy,
        confidence=project.promise.confidence,
        audit_rate=project.promise.audit_rate,
        audit_epoch=state.audit_epoch,
        audit_day=now.date().isoformat() if any(v.certificate for v in versions) else None,
        versions={v.version: _entry(v, project, state, now) for v in versions},
    )


def _entry(version: Version, project: Project, state: ProjectState, now: datetime) -> PromiseEntry:
    if version.certificate is None:
        return PromiseEntry(state="uncertified")
    certificate = from_stored(Certificate, version.certificate)
    status = status_of(version, project, state, now)
    return PromiseEntry(
        state=status.state,
        why_not=None if status.answers else why_not_valid(version, state, status, now),
        audit_rate=None if version.warning is None else warned_audit_rate(project),
        threshold=certificate.threshold,
        expires_at=version.expires_at,
        watched_until=state.watched_until,
        certificate=certificate,
    )


def warned_audit_rate(project: Project) -> float:
    """Return the share of a warned version's answers that are audited."""
    return min(1.0, _WARNED_FACTOR * project.promise.audit_rate)


def differs(stored: Channels | PromiseDocument | None, wanted: Channels | PromiseDocument) -> bool:
    """Say whether the stored document has other content than the wanted one, or another epoch."""
    if stored is None:
        return True
    # As JSON: the store keeps milliseconds, the state may keep more.
    place = {"revision", "writer"}
    return stored.model_dump_json(exclude=place) != wanted.model_dump_json(exclude=place)
