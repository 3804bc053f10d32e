"""Route of the ledger."""

from typing import Annotated, Any

from fastapi import Query

from services.trainer.ledger import service
from services.trainer.ledger.repository import DecisionFilter
from services.trainer.resources import InProject, Tools, project_router
from shared.contracts.base import Message, UtcTime
from shared.contracts.decisions import DecisionKind
from shared.contracts.versions import VERSION_PATTERN
from shared.http.lists import After, Limit, decode_position, encode_cursor

router = project_router("evidence")
ItemQuery = Annotated[str | None, Query(max_length=200, description="Only this item's.")]
VersionQuery = Annotated[
    str | None, Query(pattern=f"^{VERSION_PATTERN}$", description="Only what this version scored.")
]
ReasonQuery = Annotated[
    str | None, Query(pattern="^[a-z_]{1,64}$", description="Only with this reason.")
]
SinceQuery = Annotated[UtcTime | None, Query(description="Received then or later.")]
UntilQuery = Annotated[UtcTime | None, Query(description="Received before.")]


class Decisions(Message):
    """A page of the ledger, in the order of reading: rows of the log, each with `explanation`."""

    decisions: list[dict[str, Any]]
    cursor: str | None


@router.get("/decisions", summary="List the ledger's decisions")
async def list_decisions(
    tools: Tools,
    project: InProject,
    item_id: ItemQuery = None,
    version: VersionQuery = None,
    decision: DecisionKind | None = None,
    reason: ReasonQuery = None,
    since: SinceQuery = None,
    until: UntilQuery = None,
    limit: Limit = 100,
    after: After = None,
) -> Decisions:
    """List what the router decided, in the order of reading.

    `explanation` says in words and figures why an item was answered or went to people. It names
    the threshold of the newest certificate that was given before the decision, where there is one.
    """
    wanted = DecisionFilter(item_id, version, decision, reason, since, until)
    rows = await service.list_decisions(
        tools, project.project, wanted, decode_position(after), limit
    )
    cursor = encode_cursor(rows[-1].id or 0) if len(rows) == limit else None
    explained = await service.explained(tools, project.project, rows)
    return Decisions(decisions=explained, cursor=cursor)
