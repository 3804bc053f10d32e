"""Routes of the runs and the datasets."""

from fastapi import APIRouter

from services.trainer.api.context import InProject, Operator, Tools
from services.trainer.datasets import service as datasets
from services.trainer.errors import CertificationOpen, RunActive
from services.trainer.messages import Datasets, DatasetView, RunRequest, Runs, RunView
from services.trainer.runs import service
from shared.http.body import StrictRoute
from shared.http.lists import After, Limit, decode_cursor, decode_position, encode_cursor
from shared.problems import (
    BodyTooLarge,
    Forbidden,
    NotFound,
    NotJson,
    Unauthorized,
    Unavailable,
    Unprocessable,
    declare,
)

router = APIRouter(
    prefix="/v1/projects/{project}",
    tags=["training"],
    route_class=StrictRoute,
    responses=declare(Unauthorized, Forbidden, NotFound, Unprocessable, Unavailable),
)


@router.post(
    "/runs",
    status_code=202,
    summary="Start a training run",
    responses=declare(NotJson, BodyTooLarge, RunActive, CertificationOpen),
)
async def start(
    wanted: RunRequest, tools: Tools, project: InProject, operator: Operator
) -> RunView:
    """Queue a run; it freezes the labels of the moment at which it starts."""
    return await service.request(tools, project, wanted, operator.subject)


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


@router.get("/datasets", summary="List datasets, newest first")
async def list_datasets(
    tools: Tools, project: InProject, limit: Limit = 100, after: After = None
) -> Datasets:
    """List the frozen snapshots of labels."""
    offset = decode_position(after)
    page = await datasets.list_datasets(tools, project.project, offset, limit)
    cursor = encode_cursor(offset + limit) if len(page) == limit else None
    return Datasets(datasets=list(page), cursor=cursor)


@router.get("/datasets/{dataset_id}", summary="Show one dataset")
async def describe_dataset(tools: Tools, project: InProject, dataset_id: str) -> DatasetView:
    """Show a snapshot's record; its lines lie in the store at `path`."""
    return await datasets.describe(tools, project.project, dataset_id)
