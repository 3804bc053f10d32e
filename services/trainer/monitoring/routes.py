"""Routes of drift, of failing slices, and of relabel plans."""

from typing import Annotated

from fastapi import Path, Query

from services.trainer.idempotency.service import IdempotencyKey, KeyReused
from services.trainer.monitoring.drift import service as drift
from services.trainer.monitoring.drift import view as drift_view
from services.trainer.monitoring.drift.messages import DriftView
from services.trainer.monitoring.relabel import service as relabel
from services.trainer.monitoring.relabel.messages import PlanRequest, Plans, PlanView
from services.trainer.monitoring.slices import comparing
from services.trainer.monitoring.slices import service as slices
from services.trainer.monitoring.slices.messages import SliceChanges, SlicesView
from services.trainer.resources import InActiveProject, InProject, Tools, project_router
from shared.problems import Conflict, declare

drift_router, slices_router = project_router("drift"), project_router("slices")
plans_router = project_router("relabel plans")
VersionName = Annotated[str, Path(max_length=100)]
VersionQuery = Annotated[str | None, Query(max_length=100, description="The champion by default.")]
PlanId = Annotated[str, Path(pattern=r"^[0-9a-f-]{36}$")]


@drift_router.get("/drift", summary="Show whether the items have changed")
async def show_drift(tools: Tools, project: InProject) -> DriftView:
    """Show whether the champion's items are like those before, how they changed, and since when."""
    return await drift_view.describe(tools, project)


@drift_router.post(
    "/drift/accept", summary="Accept the new items as the reference", responses=declare(Conflict)
)
async def accept_drift(tools: Tools, project: InActiveProject) -> DriftView:
    """Watch for drift anew from now on, and lift the warning of the drift that was found.

    Refused with 409 where no drift was found, or where it has suspended the promise.
    """
    await drift.accept(tools, project)
    return await drift_view.describe(tools, project)


@slices_router.get("/slices", summary="Show on which kinds of items a version fails")
async def show_slices(tools: Tools, project: InProject, version: VersionQuery = None) -> SlicesView:
    """Show kinds of items on which the version is wrong more often, and how groups compare.

    Slices are looked for on one half of its 10,000 newest decisions that people labelled blind, and
    confirmed on the other. Groups are all values of the metadata keys that the project declares.
    """
    return await slices.describe(tools, project, version)


@slices_router.get(
    "/versions/{version}/slices", summary="Show what a version changed, slice by slice"
)
async def show_changes(tools: Tools, project: InProject, version: VersionName) -> SliceChanges:
    """Show the error rates of a version and of the one before it, on the same judged items."""
    return await comparing.compare(tools, project, version)


@plans_router.post(
    "/relabel-plans",
    status_code=201,
    summary="Plan what to label of the new traffic",
    responses=declare(Conflict, KeyReused),
)
async def make_plan(
    tools: Tools,
    project: InActiveProject,
    request: PlanRequest,
    idempotency_key: IdempotencyKey = None,
) -> PlanView:
    """Choose which decisions since the drift began people are to label; nothing is posted yet."""
    return await relabel.make(tools, project, request.labels, idempotency_key)


@plans_router.get("/relabel-plans", summary="List relabel plans")
async def list_plans(tools: Tools, project: InProject) -> Plans:
    """List the newest hundred plans, newest first."""
    return Plans(plans=await relabel.describe_all(tools, project.project))


@plans_router.get("/relabel-plans/{plan_id}", summary="Show a relabel plan")
async def show_plan(tools: Tools, project: InProject, plan_id: PlanId) -> PlanView:
    """Show a plan with its reasons, and how many of its items are labelled."""
    return await relabel.describe(tools, project.project, plan_id)


@plans_router.post("/relabel-plans/{plan_id}/start", summary="Start a relabel plan")
async def start_plan(tools: Tools, project: InActiveProject, plan_id: PlanId) -> PlanView:
    """Ask people for the plan's labels, in lane `relabel`; a repetition changes nothing."""
    return await relabel.start(tools, project, plan_id)
