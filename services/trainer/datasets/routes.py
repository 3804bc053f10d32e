"""Routes of the datasets."""

from services.trainer.datasets import service
from services.trainer.datasets.messages import Datasets, DatasetView
from services.trainer.resources import InProject, Tools, project_router
from shared.http.lists import After, Limit, decode_position, encode_cursor

router = project_router("training")


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
