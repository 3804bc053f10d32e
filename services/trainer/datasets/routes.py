"""Routes of the datasets."""

from typing import Annotated

from fastapi import Query
from fastapi.responses import StreamingResponse

from services.trainer.datasets import service
from services.trainer.datasets.messages import DatasetDiff, Datasets, DatasetView
from services.trainer.resources import InProject, Tools, project_router
from shared.http.lists import After, Limit, decode_position, encode_cursor

router = project_router("training")
AgainstQuery = Annotated[str, Query(description="The id of the dataset to compare with.")]


@router.get("/datasets", summary="List datasets, newest first")
async def list_datasets(
    tools: Tools, project: InProject, limit: Limit = 100, after: After = None
) -> Datasets:
    """List the frozen snapshots of labels."""
    offset = decode_position(after)
    page = await service.list_datasets(tools, project.project, offset, limit)
    cursor = encode_cursor(offset + limit) if len(page) == limit else None
    return Datasets(datasets=list(page), cursor=cursor)


@router.get("/datasets/{dataset_id}", summary="Show one dataset")
async def describe_dataset(tools: Tools, project: InProject, dataset_id: str) -> DatasetView:
    """Show a snapshot's record; its lines lie in the store at `path`."""
    return await service.describe(tools, project.project, dataset_id)


@router.get(
    "/datasets/{dataset_id}/download",
    summary="Download a dataset",
    response_class=StreamingResponse,
    responses={200: {"description": "JSON Lines, compressed", "content": {"application/gzip": {}}}},
)
async def download_dataset(tools: Tools, project: InProject, dataset_id: str) -> StreamingResponse:
    """Return a snapshot's rows as JSON Lines, compressed with gzip."""
    pieces = await service.content(tools, project.project, dataset_id)
    disposition = f'attachment; filename="{project.project}-{dataset_id[:12]}.jsonl.gz"'
    headers = {"Content-Disposition": disposition}
    return StreamingResponse(pieces, headers=headers, media_type="application/gzip")


@router.get("/datasets/{dataset_id}/diff", summary="Compare two datasets")
async def compare_datasets(
    tools: Tools, project: InProject, dataset_id: str, against: AgainstQuery
) -> DatasetDiff:
    """Say which items a snapshot has gained, lost and labelled otherwise since another."""
    return await service.diff(tools, project.project, dataset_id, against)
