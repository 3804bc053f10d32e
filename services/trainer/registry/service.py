"""Promote, roll back, canary, shadow, retire: each a move of the pointers that routers follow."""

from collections.abc import Sequence

from services.trainer.documents.status import channels_of, status_of
from services.trainer.gate import repository as gate
from services.trainer.gate.candidacy import Candidacy
from services.trainer.gate.taking_over import forget, serve_all
from services.trainer.projects import channels
from services.trainer.projects.repository import in_service, locking, read_state
from services.trainer.registry import repository
from services.trainer.registry.messages import CanaryRequest, VersionView
from services.trainer.registry.possible import RegistryState, refusal
from services.trainer.resources import Resources
from services.trainer.tables import ProjectState, Version
from shared.contracts.projects import Project
from shared.contracts.versions import Channels
from shared.db import Session
from shared.problems import Conflict, NotFound

# Each router keeps them all in memory, and scores each item by each of them.
_MOST_SHADOWS = 4


class NotCertified(Conflict):
    """A certified champion is replaced only by a certified version."""

    kind, title = "not-certified", "The version is not certified"


class NothingToRollBackTo(Conflict):
    """There is no previous champion."""

    kind, title = "nothing-to-roll-back-to", "No previous version"


async def promote(resources: Resources, project: Project, name: str, actor: str) -> Channels:
    """Let a version serve."""
    async with locking(resources.database, project.project) as (session, state):
        version = await require(session, project.project, name)
        if state.champion != name:
            await require_may_serve(resources, session, project, state, version)
            serve_all(Candidacy(session, project, state, version, resources.now()), actor=actor)
    return await _published(resources, project)


async def roll_back(resources: Resources, project: Project, actor: str) -> Channels:
    """Let the previous champion serve again; it and the present one change places."""
    async with locking(resources.database, project.project) as (session, state):
        previous = await repository.find(session, project.project, state.previous)
        if previous is None:
            acts = (await _situation(resources, session, project, state)).acts()
            reason = "No version served before the champion"
            raise refusal(NothingToRollBackTo, reason, acts)
        await require_may_serve(resources, session, project, state, previous)
        candidacy = Candidacy(session, project, state, previous, resources.now())
        serve_all(candidacy, "rolled_back", actor=actor)
    return await _published(resources, project)


async def canary(
    resources: Resources, project: Project, request: CanaryRequest, actor: str
) -> Channels:
    """Give a version a share of the traffic, or end that.

    The version may be uncertified: what it scores then goes to people.
    """
    async with locking(resources.database, project.project) as (session, state):
        name = request.version
        version = None if name is None else await require(session, project.project, name)
        if version is not None and request.share > 0:
            _check_beside_champion(state, version)
            candidacy = Candidacy(session, project, state, version, resources.now())
            candidacy.note("canary", actor=actor, document={"share": request.share})
            # From now on an operator decides on its share.
            forget(version, "canary")
            channels.make_challenger(state, version.version, request.share)
        elif state.challenger is not None:
            now = resources.now()
            gate.note(session, state, "canary_ended", state.challenger, now, actor=actor)
            channels.leave_channels(state, state.challenger)
    return await _published(resources, project)


async def shadow(resources: Resources, project: Project, name: str, actor: str) -> Channels:
    """Let a version be scored beside the answers, which never come from it."""
    async with locking(resources.database, project.project) as (session, state):
        version = await require(session, project.project, name)
        _check_beside_champion(state, version)
        if state.challenger == name:
            raise Conflict("The challenger answers; end the canary first.", version=name)
        if name not in state.shadow:
            if len(state.shadow) >= _MOST_SHADOWS:
                raise Conflict(f"At most {_MOST_SHADOWS} versions; end one of them first.")
            gate.note(session, state, "shadow", name, resources.now(), actor=actor)
            channels.make_shadow(state, name)
    return await _published(resources, project)


async def end_shadow(resources: Resources, project: Project, name: str, actor: str) -> Channels:
    """End a shadow; a version that is none stays as it is."""
    async with locking(resources.database, project.project) as (session, state):
        await require(session, project.project, name)
        if name in state.shadow:
            gate.note(session, state, "shadow_ended", name, resources.now(), actor=actor)
            channels.leave_channels(state, name)
    return await _published(resources, project)


async def retire(resources: Resources, project: Project, name: str, actor: str) -> VersionView:
    """Take a version out of service for good; the champion cannot be retired."""
    async with locking(resources.database, project.project) as (session, state):
        version = await require(session, project.project, name)
        if state.champion == name:
            acts = (await _situation(resources, session, project, state)).acts()
            reason = f"{name} is the champion: another version must serve before it is retired"
            raise refusal(Conflict, reason, acts, version=name)
        if not version.retired:
            gate.note(session, state, "retired", name, resources.now(), actor=actor)
        version.retired = True
        channels.leave_channels(state, name)
        await repository.cancel_pending(session, project.project, "the version is retired", name)
        if state.previous == name:
            state.previous = None
        described = view(resources, project, state, version)
    await resources.documents.sync(project.project)
    return described


async def require(session: Session, project: str, name: str) -> Version:
    """Return a version; `NotFound` when there is none of this name."""
    version = await repository.find(session, project, name)
    if version is None:
        raise NotFound("There is no such version; GET …/versions lists them.", version=name)
    return version


def _check_beside_champion(state: ProjectState, version: Version) -> None:
    if version.retired:
        raise Conflict("The version is retired; choose another one.", version=version.version)
    if state.champion is None:
        raise Conflict("There is no champion yet; promote a version first.")
    if state.champion == version.version:
        raise Conflict("The champion serves already; choose another one.", version=version.version)


async def _situation(
    resources: Resources, session: Session, project: Project, state: ProjectState
) -> RegistryState:
    versions = await in_service(session, project.project)
    pending = await repository.under_certification(session, project.project)
    return RegistryState(project, state, versions, pending, resources.now())


async def require_may_serve(
    resources: Resources, session: Session, project: Project, state: ProjectState, version: Version
) -> None:
    """Refuse a version that may not be champion now, with what is possible instead."""
    situation = await _situation(resources, session, project, state)
    if situation.may_serve(version):
        return
    acts, name = situation.acts(version), version.version
    if version.retired:
        raise refusal(Conflict, f"{name} is retired for good", acts, version=name)
    reason = (
        f"The champion {state.champion} is certified and gives way to certified versions only; "
        f"{situation.why_not_certified(version)}"
    )
    if name in situation.pending:
        reason += ", and its certification is under way (GET …/certificate)"
    standing = status_of(version, project, state, situation.now).state
    members = {"version": name, "standing": standing, "champion": state.champion}
    raise refusal(NotCertified, reason, acts, **members)


async def _published(resources: Resources, project: Project) -> Channels:
    channels = await resources.documents.publish(project.project, resources.common.poll_seconds)
    if channels is None:
        raise Conflict("The project has no version yet; start a run.")
    return channels


async def list_versions(
    resources: Resources, project: Project, before: int | None, limit: int
) -> Sequence[VersionView]:
    """Return versions, newest first, with a number below `before`."""
    async with resources.database.reading() as session:
        state = await read_state(session, project.project)
        versions = await repository.page(session, project.project, before, limit)
    return [view(resources, project, state, version) for version in versions]


async def describe(resources: Resources, project: Project, name: str) -> VersionView:
    """Return one version; `NotFound` when there is none of this name."""
    async with resources.database.reading() as session:
        state = await read_state(session, project.project)
        version = await require(session, project.project, name)
    return view(resources, project, state, version)


def view(
    resources: Resources, project: Project, state: ProjectState | None, version: Version
) -> VersionView:
    """Return what the API says of a version."""
    return VersionView(
        version=version.version,
        standing=status_of(version, project, state, resources.now()).state,
        channels=[] if state is None else channels_of(version.version, state),
        retired=version.retired,
        threshold=None if version.certificate is None else version.certificate["threshold"],
        expires_at=version.expires_at,
        gate=version.gate,
        manifest=version.manifest,
    )
