"""Routes of the ledger, and of its counts a day."""

from typing import Annotated, Any

from fastapi import Query, Request

from services.trainer.ledger import lookup, service
from services.trainer.ledger.days import service as counts
from services.trainer.ledger.days.messages import DaysOfProjects, DecisionDays
from services.trainer.ledger.repository import DecisionFilter
from services.trainer.resources import (
    InProject,
    InProjectOfService,
    NamedProjects,
    Tools,
    all_projects_router,
    project_router,
)
from shared.contracts.base import Message, Text, UtcTime
from shared.contracts.decisions import DecisionKind, DecisionQuery, KnownDecisions
from shared.contracts.versions import VERSION_PATTERN
from shared.http.lists import After, Limit, decode_position, encode_cursor

router = project_router("evidence")
all_projects = all_projects_router("evidence")
ItemQuery = Annotated[Text | None, Query(max_length=200, description="Only this item's.")]
VersionQuery = Annotated[
    str | None, Query(pattern=f"^{VERSION_PATTERN}$", description="Only what this version scored.")
]
ReasonQuery = Annotated[
    str | None, Query(pattern="^[a-z_]{1,64}$", description="Only with this reason.")
]
SinceQuery = Annotated[UtcTime | None, Query(description="Received then or later.")]
UntilQuery = Annotated[UtcTime | None, Query(description="Received before.")]
DaysQuery = Annotated[
    int, Query(ge=1, le=366, description="So many days, of which today (UTC) is the last.")
]


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


@router.post("/decisions/lookup", summary="What callers were told of items")
async def lookup_decisions(
    request: Request, tools: Tools, project: InProjectOfService, query: DecisionQuery
) -> KnownDecisions:
    """Return the decision on each item that was received last; others are left out.

    With `settle` a call about an item without a decision waits, some seconds at most, until every
    process of the router has shipped what it decided before the call. `unsettled` says why an item
    that is left out may have a decision all the same; null: it has none.
    """
    return await lookup.known_decisions(tools, request.app.state.settling, project, query)


@router.get("/decisions/days", summary="Count decisions a day by reason")
async def list_days(
    tools: Tools, project: InProject, days: DaysQuery = 30, version: VersionQuery = None
) -> DecisionDays:
    """Count the ledger's decisions by day and reason, and by confidence.

    Counts are kept as the ledger is read, some seconds after a decision, and as long as its rows.
    """
    return await counts.decision_days(tools, project.project, days, version)


@all_projects.get("/decisions/days", summary="Count decisions a day in several projects")
async def list_days_of_projects(
    tools: Tools, projects: NamedProjects, days: DaysQuery = 14
) -> DaysOfProjects:
    """Count decisions, and those that a model answered, by day. One statement for all projects.

    A project that does not exist has no days. Refused if the token is not for all of them.
    """
    return await counts.days_of_projects(tools, projects, days)
