"""Promote, roll back and retire: each one a move of the pointer that routers follow."""

from collections.abc import Sequence

from sqlalchemy.ext.asyncio import AsyncSession

from services.trainer.errors import NotCertified, NothingToRollBackTo
from services.trainer.messages import VersionView
from services.trainer.models import ProjectState, Version
from services.trainer.promise import repository as certifications
from services.trainer.registry import repository
from services.trainer.registry.standing import standing_of
from services.trainer.repository import lock_state, read_state
from services.trainer.resources import Resources
from shared.contracts.projects import Project
from shared.contracts.versions import Channels
from shared.problems import Conflict, NotFound


async def promote(resources: Resources, project: Project, name: str) -> Channels:
    """Let a version serve.

    Raises
    ------
    NotFound
        There is no such version.
    NotCertified
        The champion is certified and the version is not.
    """
    async with resources.database.transaction() as session:
        state = await lock_state(session, project.project)
        version = await _require(session, project.project, name)
        if state.champion != name:
            if version.retired:
                raise Conflict("The version is retired; promote another one.", version=name)
            await _check_rule(resources, session, project, state, version)
            repository.make_champion(state, name, resources.now())
    return await _published(resources, project)


async def roll_back(resources: Resources, project: Project) -> Channels:
    """Let the previous champion serve again; it and the present one change places.

    Raises
    ------
    NothingToRollBackTo
        There is no previous champion.
    NotCertified
        The champion is certified and the previous one is not.
    """
    async with resources.database.transaction() as session:
        state = await lock_state(session, project.project)
        previous = await repository.find(session, project.project, state.previous)
        if previous is None:
            raise NothingToRollBackTo("No version served before the champion; promote one by name.")
        await _check_rule(resources, session, project, state, previous)
        repository.make_champion(state, previous.version, resources.now())
    return await _published(resources, project)


async def retire(resources: Resources, project: Project, name: str) -> VersionView:
    """Take a version out of service for good; the champion cannot be retired."""
    async with resources.database.transaction() as session:
        state = await lock_state(session, project.project)
        version = await _require(session, project.project, name)
        if state.champion == name:
            raise Conflict("The champion serves; promote another version first.", version=name)
        version.retired = True
        await certifications.cancel_of_version(session, project.project, name)
        if state.previous == name:
            state.previous = None
        view = _view(resources, project, state, version)
    await resources.documents.sync(project.project)
    return view


async def _require(session: AsyncSession, project: str, name: str) -> Version:
    version = await repository.find(session, project, name)
    if version is None:
        raise NotFound("There is no such version; GET …/versions lists them.", version=name)
    return version


async def _check_rule(
    resources: Resources,
    session: AsyncSession,
    project: Project,
    state: ProjectState,
    version: Version,
) -> None:
    champion = await repository.find(session, project.project, state.champion)
    now = resources.now()
    if champion is None or standing_of(champion, project, now) != "certified":
        return
    standing = standing_of(version, project, now)
    if standing != "certified":
        raise NotCertified(
            "A certified champion is replaced only by a certified version; certify it first.",
            version=version.version,
            standing=standing,
            champion=champion.version,
        )


async def _published(resources: Resources, project: Project) -> Channels:
    channels = await resources.documents.sync(project.project)
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
    return [_view(resources, project, state, version) for version in versions]


async def describe(resources: Resources, project: Project, name: str) -> VersionView:
    """Return one version; `NotFound` when there is none of this name."""
    async with resources.database.reading() as session:
        state = await read_state(session, project.project)
        version = await _require(session, project.project, name)
    return _view(resources, project, state, version)


def _view(
    resources: Resources, project: Project, state: ProjectState | None, version: Version
) -> VersionView:
    roles = {} if state is None else {state.previous: "previous", state.champion: "champion"}
    return VersionView(
        version=version.version,
        standing=standing_of(version, project, resources.now()),
        role="retired" if version.retired else roles.get(version.version),  # type: ignore[arg-type]
        threshold=None if version.certificate is None else version.certificate["threshold"],
        expires_at=version.expires_at,
        gate=version.gate,
        manifest=version.manifest,
    )
