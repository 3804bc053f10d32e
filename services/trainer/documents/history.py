"""The history of a promise: a line whenever the state of a version changes."""

from collections.abc import Sequence
from datetime import datetime

from services.trainer.documents.status import certified_beside, status_of
from services.trainer.tables import ProjectState, PromiseChange, Version
from shared.contracts.projects import Project


def changed_versions(
    project: Project, state: ProjectState, versions: Sequence[Version], now: datetime
) -> list[Version]:
    """Return the versions whose state is not the one that the history names last."""
    return [
        version
        for version in versions
        if status_of(version, project, state, now).state != version.noted_state
    ]


def note_change(
    version: Version,
    project: Project,
    state: ProjectState,
    versions: Sequence[Version],
    now: datetime,
) -> PromiseChange | None:
    """Note the version's state, and return the line for the history.

    Where the champion may answer no longer, the line names others of `versions` that are certified.
    None where there is nothing to tell: a new version is uncertified until it is certified.
    """
    status = status_of(version, project, state, now)
    before, version.noted_state = version.noted_state, status.state
    if before is None and status.state == "uncertified":
        return None
    own, operators = version.suspension or version.warning or {}, state.suspension or {}
    told = operators if status.cause == "operator" else own
    details = [told.get("detail")] if status.state != "certified" else []
    if version.version == state.champion and not status.answers:
        details.append(_offer(certified_beside(version, versions, project, state, now)))
    return PromiseChange(
        project=project.project,
        at=now,
        version=version.version,
        from_state=before,
        to_state=status.state,
        cause=status.cause,
        detail="; ".join(filter(None, details)) or None,
        actor=told.get("actor") if status.cause == "operator" else None,
    )


def _offer(others: Sequence[Version]) -> str | None:
    if not others:
        return None
    names = ", ".join(other.version for other in others)
    route = f"POST /v1/projects/{others[0].project}/versions/{others[0].version}/promote"
    return f"still certified: {names}; {route} lets {others[0].version} serve"
