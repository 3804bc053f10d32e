"""Routes of relabel plans."""

from typing import Annotated

from fastapi import Path

from services.trainer.idempotency.service import IdempotencyKey, KeyReused
from services.trainer.monitoring.relabel import service
from services.trainer.monitoring.relabel.messages import PlanRequest, Plans, PlanView
from services.trainer.resources import InActiveProject, InProject, Tools, project_router
from shared.problems import Conflict, declare

router = project_router("relabel plans")
PlanId = Annotated[str, Path(pattern=r"^[0-9a-f-]{36}$")]


@router.post(
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
    return await service.make(tools, project, request.labels, idempotency_key)


@router.get("/relabel-plans", summary="List relabel plans")
async def list_plans(tools: Tools, project: InProject) -> Plans:
    """List the newest hundred plans, newest first."""
    return Plans(plans=await service.describe_all(tools, project.project))


@router.get("/relabel-plans/{plan_id}", summary="Show a relabel plan")
async def show_plan(tools: Tools, project: InProject, plan_id: PlanId) -> PlanView:
    """Show a plan with its reasons, and how many of its items are labelled."""
    return await service.describe(tools, project.project, plan_id)


@router.post("/relabel-plans/{plan_id}/start", summary="Start a relabel plan")
async def start_plan(tools: Tools, project: InActiveProject, plan_id: PlanId) -> PlanView:
    """Ask people for the plan's labels, in lane `relabel`; a repetition changes nothing."""
    return await service.start(tools, project, plan_id)
