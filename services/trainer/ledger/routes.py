"""Route of the ledger."""

from typing import Annotated, Any

from fastapi import Query

from services.trainer.ledger import service
from services.trainer.resources import InProject, Tools, project_router
from shared.contracts.base import Message
from shared.http.lists import After, Limit, decode_position, encode_cursor

router = project_router("evidence")
ItemQuery = Annotated[str | None, Query(max_length=200, description="Only this item's.")]


class Decisions(Message):
    """A page of the ledger, in the order of reading."""

    decisions: list[dict[str, Any]]
    cursor: str | None


@router.get("/decisions", summary="List the ledger's decisions")
async def list_decisions(
    tools: Tools,
    project: InProject,
    item_id: ItemQuery = None,
    limit: Limit = 100,
    after: After = None,
) -> Decisions:
    """List what the router decided, in the order of reading; of one item or of all."""
    rows = await service.list_decisions(
        tools, project.project, item_id, decode_position(after), limit
    )
    cursor = encode_cursor(rows[-1].id or 0) if len(rows) == limit else None
    return Decisions(decisions=[row.row for row in rows], cursor=cursor)
