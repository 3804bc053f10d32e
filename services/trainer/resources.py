"""The resources of every use case, made once in `app.py`, and how routes get them."""

import asyncio
from collections.abc import Callable, Set
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Annotated

import fastapi
from fastapi import APIRouter, Depends, Query, Request
from obstore.exceptions import BaseError as StoreError

from services.trainer.documents.service import Documents
from services.trainer.erasure.projects import is_removed
from services.trainer.posting.service import TaskPosting
from services.trainer.projects.service import Projects, work_bell
from services.trainer.queue_client import QueueAway, QueueClient
from services.trainer.settings import TrainerSettings
from services.trainer.writer_lease.owners import owner_name
from services.trainer.writer_lease.service import Leases
from shared.auth import Principal, allow
from shared.contracts.base import PROJECT_PATTERN, utc_now
from shared.contracts.projects import Project
from shared.db import Database, DatabaseFault
from shared.doorbells import Doorbells
from shared.http.access import ByService
from shared.http.body import StrictRoute
from shared.problems import (
    Forbidden,
    NotFound,
    ProjectArchived,
    Unavailable,
    Unprocessable,
    declare,
)
from shared.settings import CommonSettings
from shared.store import Store

MIGRATIONS = Path(__file__).parent / "migrations"
PASSING = (QueueAway, DatabaseFault, StoreError, OSError)
"""Faults that pass by themselves: what they break off is taken up again."""


@dataclass(frozen=True)
class Resources:
    """Connections, settings and the clock.

    `owner` names this process in run records; `runs_folder` (absolute) holds what runs work on;
    `under_way` has the ids of the runs, and the names of the checks, that this process carries on.
    Choosing a batch, looking for slices, checking an encoder, and looking at first labels take
    seconds of a processor and much memory: each is done once at a time.
    `changing_encoder` is held from the look at a project's encoder until it is replaced or removed.
    `trained_on` has, by project, the snapshot that the last step of a shadow stage compared with,
    and its contents.
    """

    common: CommonSettings
    settings: TrainerSettings
    database: Database
    store: Store
    projects: Projects
    queue: QueueClient
    posting: TaskPosting
    bells: Doorbells
    leases: Leases
    documents: Documents
    now: Callable[[], datetime]
    owner: str
    runs_folder: Path
    under_way: set[str] = field(default_factory=set)
    choosing: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(1))
    slicing: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(1))
    checking: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(1))
    looking: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(1))
    changing_encoder: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(1))
    trained_on: dict[str, tuple[str, Set[str]]] = field(default_factory=dict)

    async def close(self) -> None:
        """Release the leases, and close the connections."""
        await self.leases.release()
        await self.queue.close()
        await self.database.dispose()


def open_resources(
    common: CommonSettings, settings: TrainerSettings, now: Callable[[], datetime] = utc_now
) -> Resources:
    """Make the resources of every use case; nothing is connected yet."""
    database = Database(
        common.database_address("trainer", settings.database_url),
        # A trainer that is paused in a transaction must not keep its rows from the next one.
        idle_seconds=2 * settings.lease_seconds,
    )
    store, owner = Store(common.store_address), owner_name()
    projects, bells = Projects(store), Doorbells(common.redis_url)
    queue = QueueClient(common.review_queue_url, common.service_token.get_secret_value())
    leases = Leases(database, owner, settings.lease_seconds, now)
    return Resources(
        common=common,
        settings=settings,
        database=database,
        store=store,
        projects=projects,
        queue=queue,
        posting=TaskPosting(database, queue),
        bells=bells,
        leases=leases,
        documents=Documents(database, store, projects, bells, leases, now),
        now=now,
        owner=owner,
        runs_folder=common.home.resolve() / "trainer" / "runs",
    )


def project_router(tag: str) -> APIRouter:
    """Make a router for paths below ``/v1/projects/{project}``."""
    problems = declare(NotFound, Unprocessable)
    prefix = "/v1/projects/{project}"
    return APIRouter(prefix=prefix, tags=[tag], route_class=StrictRoute, responses=problems)


def all_projects_router(tag: str) -> APIRouter:
    """Make a router for paths below ``/v1`` about several projects."""
    return APIRouter(prefix="/v1", tags=[tag], route_class=StrictRoute)


async def resources_of(request: Request) -> Resources:
    """Return the application's resources."""
    resources: Resources = request.app.state.resources
    return resources


Tools = Annotated[Resources, Depends(resources_of)]
Operator = Annotated[Principal, Depends(allow("operator"))]


ProjectNames = Annotated[
    list[Annotated[str, Query(pattern=PROJECT_PATTERN)]],
    Query(min_length=1, max_length=100, description="Which projects; once for each."),
]


async def named_projects(who: Operator, project: ProjectNames) -> list[str]:
    """Return the projects that the query names; `Forbidden` unless the token is for all of them."""
    if any(not who.may_enter(one) for one in project):
        raise Forbidden("Name only projects that the token is for.")
    return project


NamedProjects = Annotated[list[str], Depends(named_projects)]


async def project_of(
    request: Request,
    tools: Tools,
    _: Operator,
    project: Annotated[str, fastapi.Path(pattern=PROJECT_PATTERN)],
) -> Project:
    """Return the path's project, once the caller is known to be an operator of it.

    `NotFound` also where another part of the path cannot be the name of anything. `Unavailable`
    while something of a deleted project of the name is left.
    """
    # Databases do not take every text.
    if not all(name.isprintable() for name in request.path_params.values()):
        raise NotFound("Nothing has this name: names have no characters that cannot be printed.")
    return await _whole(tools, project)


async def _whole(tools: Resources, project: str) -> Project:
    found = await tools.projects.require(project)
    if not await is_removed(tools.database, found):
        await tools.bells.ring(work_bell(project))
        raise Unavailable("What an earlier project of this name has left is still being removed.")
    return found


InProject = Annotated[Project, Depends(project_of)]


async def project_of_service(
    tools: Tools, _: ByService, project: Annotated[str, fastapi.Path(pattern=PROJECT_PATTERN)]
) -> Project:
    """Return the path's project as `project_of` does, for a service or an operator."""
    return await _whole(tools, project)


InProjectOfService = Annotated[Project, Depends(project_of_service)]


async def active_project_of(project: InProject) -> Project:
    """Return the path's project, which takes work; `ProjectArchived` if it is archived."""
    if project.archived_at is not None:
        raise ProjectArchived(project.project)
    return project


InActiveProject = Annotated[Project, Depends(active_project_of)]
