"""Routes of the evidence: certificate, audits, ledger."""

from typing import Annotated

from fastapi import APIRouter, Query

from services.trainer.api.context import InProject, Tools
from services.trainer.ledger import service as ledger
from services.trainer.messages import Audits, CertificateView, Decisions
from services.trainer.promise import audit, certification
from services.trainer.promise.supposing import suppose_target
from shared.contracts.projects import MOST_CERTAIN
from shared.http.body import StrictRoute
from shared.http.lists import After, Limit, decode_position, encode_cursor
from shared.problems import (
    Conflict,
    Forbidden,
    NotFound,
    Unauthorized,
    Unavailable,
    Unprocessable,
    declare,
)

TargetQuery = Annotated[
    float | None, Query(gt=0.5, le=MOST_CERTAIN, description="A stricter target to suppose.")
]
router = APIRouter(
    prefix="/v1/projects/{project}",
    tags=["evidence"],
    route_class=StrictRoute,
    responses=declare(Unauthorized, Forbidden, NotFound, Unprocessable, Unavailable),
)
ItemQuery = Annotated[str | None, Query(max_length=200, description="Only this item's.")]


@router.get(
    "/certificate",
    summary="Show the newest version's certification",
    responses=declare(Conflict),
)
async def show_certificate(
    tools: Tools, project: InProject, target_accuracy: TargetQuery = None
) -> CertificateView:
    """Show how far it is, what was fixed before it, and what came of it.

    With `target_accuracy`, also what that stricter target would have got from the same labels.
    """
    view = await certification.describe(tools, project)
    if target_accuracy is None:
        return view
    hypothesis = await suppose_target(tools, project, target_accuracy)
    return view.model_copy(update={"hypothesis": hypothesis})


@router.get("/audit", summary="Show audited answers by version")
async def show_audits(tools: Tools, project: InProject) -> Audits:
    """Show how many audited answers people have found wrong."""
    return Audits(audits=await audit.describe(tools, project.project))


@router.get("/decisions", summary="List the ledger's decisions")
async def list_decisions(
    tools: Tools,
    project: InProject,
    item_id: ItemQuery = None,
    limit: Limit = 100,
    after: After = None,
) -> Decisions:
    """List what the router decided, in the order of reading; of one item or of all."""
    rows = await ledger.list_decisions(
        tools, project.project, item_id, decode_position(after), limit
    )
    cursor = encode_cursor(rows[-1].id or 0) if len(rows) == limit else None
    return Decisions(decisions=[row.row for row in rows], cursor=cursor)
