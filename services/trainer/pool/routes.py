"""Routes of the pool."""

from fastapi import Request

from services.trainer.pool import service
from services.trainer.pool.messages import (
    PoolCounts,
    PooledItems,
    PoolImport,
    PoolState,
    Removal,
    RemovedItems,
)
from services.trainer.pool.rows import parse_csv, parse_ndjson, parse_parquet
from services.trainer.resources import InActiveProject, InProject, Tools, project_router
from shared import parquet
from shared.http.lists import After, Limit, decode_cursor, encode_cursor
from shared.problems import BodyTooLarge, ProjectArchived, Unprocessable, declare

router = project_router("pool")
_PARSERS = {
    "application/x-ndjson": parse_ndjson,
    "text/csv": parse_csv,
    parquet.MEDIA_TYPE: parse_parquet,
}
_TEXT = {"schema": {"type": "string"}}
_BODY = dict.fromkeys(_PARSERS, _TEXT) | {
    parquet.MEDIA_TYPE: {"schema": {"type": "string", "format": "binary"}}
}


@router.post(
    "/pool",
    summary="Import unlabelled items",
    responses=declare(BodyTooLarge, ProjectArchived),
    openapi_extra={"requestBody": {"required": True, "content": _BODY}},
)
async def import_items(request: Request, tools: Tools, project: InActiveProject) -> PoolImport:
    """Import predict's items, one JSON object a line, CSV with a header, or Parquet.

    Lines that are no items are listed, the others are imported. Repeating an import is harmless.
    """
    media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    parse = _PARSERS.get(media_type)
    if parse is None:
        fault = f"must be one of {', '.join(_PARSERS)}"
        raise Unprocessable([("/header/content-type", fault)])
    if media_type == parquet.MEDIA_TYPE and not parquet.is_installed():
        raise Unprocessable([("/header/content-type", parquet.NOT_INSTALLED)])
    body = await request.body()
    return await service.import_lines(tools, project, parse(body, project))


@router.get("/pool", summary="Count the pool's items by state")
async def count(tools: Tools, project: InProject) -> PoolCounts:
    """Count the items that wait, were asked about, passed over or refused."""
    return await service.count(tools, project.project)


@router.get("/pool/items", summary="List items of the pool")
async def list_items(
    tools: Tools,
    project: InProject,
    state: PoolState = "waiting",
    limit: Limit = 100,
    after: After = None,
) -> PooledItems:
    """List the items of one state, in the pool's random order."""
    items, next_key = await service.list_items(
        tools, project.project, state, decode_cursor(after), limit
    )
    return PooledItems(items=items, cursor=None if next_key is None else encode_cursor(next_key))


@router.post(
    "/pool/removals", summary="Remove items from the pool", responses=declare(ProjectArchived)
)
async def remove_items(wanted: Removal, tools: Tools, project: InActiveProject) -> RemovedItems:
    """Remove items that people were not asked about; repeating it is harmless.

    A certificate from the pool speaks of what is left in it.
    """
    return RemovedItems(items=await service.remove(tools, project.project, wanted.item_ids))
