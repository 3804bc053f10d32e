"""Routes of the runs."""

from services.trainer.idempotency.service import IdempotencyKey, KeyReused
from services.trainer.resources import InActiveProject, InProject, Operator, Tools, project_router
from services.trainer.runs import service
from services.trainer.runs.messages import RunRequest, Runs, RunView
from services.trainer.runs.service import CertificationOpen, LabelsNotReady, RunActive
from shared.http.lists import After, Limit, decode_cursor, encode_cursor
from shared.problems import ProjectArchived, declare

router = project_router("training")


@router.post(
    "/runs",
    status_code=202,
    summary="Start a training run",
    responses=declare(RunActive, CertificationOpen, LabelsNotReady, ProjectArchived, KeyReused),
)
async def start(
    wanted: RunRequest,
    tools: Tools,
    project: InActiveProject,
    operator: Operator,
    idempotency_key: IdempotencyKey = None,
) -> RunView:
    """Queue a run; it freezes the labels of the moment at which it starts."""
    return await service.request(tools, project, wanted, operator.subject, idempotency_key)


@router.get("/runs", summary="List runs, newest first")
async def list_runs(
    tools: Tools, project: InProject, limit: Limit = 100, after: After = None
) -> Runs:
    """List runs without their logs."""
    page = await service.list_runs(tools, project.project, decode_cursor(after), limit)
    cursor = encode_cursor(page[-1].run_id) if len(page) == limit else None
    return Runs(runs=list(page), cursor=cursor)


@router.get("/runs/{run_id}", summary="Show one run")
async def describe(tools: Tools, project: InProject, run_id: str) -> RunView:
    """Show a run with the tail of its log."""
    return await service.describe(tools, project.project, run_id)


@router.post("/runs/{run_id}/cancel", summary="Cancel a run")
async def cancel(tools: Tools, project: InProject, run_id: str) -> RunView:
    """Ask a run to end; one that has ended stays as it is."""
    return await service.cancel(tools, project.project, run_id)
