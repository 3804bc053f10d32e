"""Routes of the promise, its history, its audits, and the kill switch."""

from typing import Annotated

from fastapi import Query

from services.trainer.resources import (
    InProject,
    NamedProjects,
    Operator,
    Tools,
    all_projects_router,
    project_router,
)
from services.trainer.watch import promises, suspension, view
from services.trainer.watch.messages import (
    AuditDays,
    Audits,
    PromiseChangeView,
    PromiseHistory,
    Promises,
    PromiseView,
    SuspendRequest,
)
from shared.contracts.base import from_stored
from shared.http.lists import After, Limit, decode_position, encode_cursor

router = project_router("promise")
all_projects = all_projects_router("promise")
DaysQuery = Annotated[int, Query(ge=1, le=366, description="So many days back.")]


@router.get("/promise", summary="Show whether the promise holds")
async def show_promise(tools: Tools, project: InProject) -> PromiseView:
    """Show whether the champion may answer alone now, why not, and what its audits have found."""
    return await view.describe(tools, project)


@all_projects.get("/promises", summary="Show in short whether several projects' promises hold")
async def show_promises(tools: Tools, projects: NamedProjects) -> Promises:
    """Show for each project what `GET …/promise` says, without its evidence.

    A project that does not exist is left out. Refused if the token is not for all of them.
    """
    return await promises.describe_all(tools, projects)


@router.get("/promise/history", summary="List what became of the promise")
async def list_history(
    tools: Tools, project: InProject, limit: Limit = 100, after: After = None
) -> PromiseHistory:
    """List each change of a version's state with its cause, oldest first; lines are kept."""
    rows = await view.history(tools, project.project, decode_position(after), limit)
    cursor = encode_cursor(rows[-1].id or 0) if len(rows) == limit else None
    changes = [from_stored(PromiseChangeView, row.model_dump()) for row in rows]
    return PromiseHistory(changes=changes, cursor=cursor)


@router.post("/suspend", summary="Stop automatic answers")
async def suspend(
    tools: Tools, project: InProject, operator: Operator, request: SuspendRequest
) -> PromiseView:
    """Send all items to people until `resume`; routers obey once they have read promise.json."""
    await suspension.suspend(tools, project, request.cause, operator.subject)
    return await view.describe(tools, project)


@router.post("/resume", summary="Lift an operator's suspension")
async def resume(tools: Tools, project: InProject) -> PromiseView:
    """Let automatic answers go on, unless audits or drift have suspended them as well."""
    await suspension.resume(tools, project)
    return await view.describe(tools, project)


@router.get("/audit", summary="Show audited answers by version")
async def show_audits(tools: Tools, project: InProject) -> Audits:
    """Show how many audited answers people have found wrong."""
    return Audits(audits=await view.audits(tools, project.project))


@router.get("/audit/days", summary="Show audited answers by day")
async def show_audit_days(tools: Tools, project: InProject, days: DaysQuery = 30) -> AuditDays:
    """Show for each day and version how many answers were audited, reviewed, and wrong."""
    return AuditDays(days=await view.days(tools, project.project, days))
