"""The history of a promise: a line whenever the state of a version changes."""

from collections.abc import Sequence
from datetime import datetime

from services.trainer.documents.status import status_of
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
    version: Version, project: Project, state: ProjectState, now: datetime
) -> PromiseChange | None:
    """Note the version's state, and return the line for the history.

    None where there is nothing to tell: a new version is uncertified until it is certified.
    """
    status = status_of(version, project, state, now)
    before, version.noted_state = version.noted_state, status.state
    if before is None and status.state == "uncertified":
        return None
    own, operators = version.suspension or version.warning or {}, state.suspension or {}
    told = operators if status.cause == "operator" else own
    return PromiseChange(
        project=project.project,
        at=now,
        version=version.version,
        from_state=before,
        to_state=status.state,
        cause=status.cause,
        detail=told.get("detail") if status.state != "certified" else None,
        actor=told.get("actor") if status.cause == "operator" else None,
    )
