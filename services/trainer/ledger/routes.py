"""Routes of the ledger."""

from typing import Annotated, Any

from fastapi import Query, Request

from services.trainer.ledger import lookup, service
from services.trainer.ledger.repository import DecisionFilter
from services.trainer.resources import InProject, InProjectOfService, Tools, project_router
from shared.contracts.base import Message, UtcTime
from shared.contracts.decisions import DecisionKind, DecisionQuery, KnownDecisions
from shared.contracts.versions import VERSION_PATTERN
from shared.http.lists import After, Limit, decode_position, encode_cursor
from shared.problems import BODY_PROBLEMS, declare

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


@router.post(
    "/decisions/lookup",
    summary="What callers were told of items",
    responses=declare(*BODY_PROBLEMS),
)
async def lookup_decisions(
    request: Request, tools: Tools, project: InProjectOfService, query: DecisionQuery
) -> KnownDecisions:
    """Return the decision on each item that was received last; others are left out.

    With `settle` a call about an item without a decision waits, some seconds at most, until every
    process of the router has shipped what it decided before the call. `unsettled` says why an item
    that is left out may have a decision all the same; null: it has none.
    """
    return await lookup.known_decisions(tools, request.app.state.settling, project, query)
