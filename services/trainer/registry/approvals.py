"""An operator's yes or no to a version that passed the gate."""

from typing import Any

from services.trainer.gate.candidacy import Candidacy
from services.trainer.gate.taking_over import serve
from services.trainer.projects.repository import locking
from services.trainer.registry.messages import VersionView
from services.trainer.registry.service import require, require_may_serve
from services.trainer.registry.service import view as view_of
from services.trainer.resources import Resources
from services.trainer.tables import ProjectState, Version
from shared.contracts.base import rfc3339
from shared.contracts.projects import Project
from shared.problems import Conflict


class NoApprovalWaiting(Conflict):
    """The version neither passed the gate against the present champion nor has a shadow stage."""

    kind, title = "no-approval-waiting", "The version waits for no approval"


async def approve(
    resources: Resources, project: Project, name: str, *, actor: str, note: str | None
) -> VersionView:
    """Let a version that waits for it, or runs in shadow, serve or begin its canary; return it.

    Raises `NoApprovalWaiting`, and `NotCertified` if a certificate ended meanwhile.
    """
    async with locking(resources.database, project.project) as (session, state):
        version = await require(session, project.project, name)
        waiting = _waiting(state, version)
        await require_may_serve(resources, session, project, state, version)
        candidacy = Candidacy(session, project, state, version, resources.now())
        _note(candidacy, waiting, "approved", actor, note)
        serve(candidacy, by_stages=bool(waiting.get("by_stages")), actor=actor)
        view = view_of(resources, project, state, version)
    await resources.documents.publish(project.project, resources.common.poll_seconds)
    return view


async def reject(
    resources: Resources, project: Project, name: str, *, actor: str, note: str | None
) -> VersionView:
    """Record that a version that waits, or runs in shadow, is not to serve.

    It may still be promoted by hand.
    """
    async with locking(resources.database, project.project) as (session, state):
        version = await require(session, project.project, name)
        candidacy = Candidacy(session, project, state, version, resources.now())
        _note(candidacy, _waiting(state, version), "rejected", actor, note)
        return view_of(resources, project, state, version)


def _note(
    candidacy: Candidacy, waiting: dict[str, Any], said: str, actor: str, note: str | None
) -> None:
    """Record what an operator has said of a version, with it and in the history."""
    told = {"state": said, "actor": actor, "note": note, "at": rfc3339(candidacy.now)}
    candidacy.keep("approval", waiting | told)
    candidacy.note(said, actor=actor, text=note)


def _waiting(state: ProjectState, version: Version) -> dict[str, Any]:
    """Return what is recorded of the version's waiting, or refuse."""
    found: dict[str, Any] = version.gate.get("approval", {})
    name = version.version
    if version.retired or found.get("state") not in ("waiting", "in_shadow"):
        said = {"approved": "was approved already", "rejected": "was rejected"}
        reason = said.get(str(found.get("state")), "has not passed the gate, or needs no approval")
        detail = f"{name} {reason}. GET …/promotions lists what the gate said of it; an operator "
        raise NoApprovalWaiting(f"{detail}may promote it by hand.", version=name)
    if found["champion"] != state.champion:
        raise NoApprovalWaiting(
            f"{name} was compared with {found['champion']}, which no longer serves. Certify "
            f"it again (POST …/certify), or promote it by hand.",
            version=name,
            champion=state.champion,
        )
    return found
