"""Routes of the model versions."""

from typing import Annotated, get_args

from fastapi import Query

from services.trainer.gate import repository as gate
from services.trainer.registry import approvals, service
from services.trainer.registry.approvals import NoApprovalWaiting
from services.trainer.registry.messages import (
    ApprovalRequest,
    CanaryRequest,
    EventKind,
    PromotionEventView,
    PromotionHistory,
    Versions,
    VersionView,
)
from services.trainer.registry.service import NotCertified, NothingToRollBackTo
from services.trainer.resources import InProject, Operator, Tools, project_router
from shared.contracts.base import from_stored
from shared.contracts.versions import VERSION_PATTERN, Channels
from shared.http.lists import After, Limit, decode_position, encode_cursor
from shared.problems import Conflict, declare

router = project_router("versions")


@router.get("/versions", summary="List versions, newest first")
async def list_versions(
    tools: Tools, project: InProject, limit: Limit = 100, after: After = None
) -> Versions:
    """List versions with their manifests and standing."""
    page = await service.list_versions(tools, project, decode_position(after) or None, limit)
    last = int(page[-1].version.removeprefix("v")) if len(page) == limit else None
    return Versions(versions=list(page), cursor=None if last is None else encode_cursor(last))


@router.get("/versions/{version}", summary="Show one version")
async def describe(tools: Tools, project: InProject, version: str) -> VersionView:
    """Show a version with its manifest, standing and what the gate said of it."""
    return await service.describe(tools, project, version)


@router.post(
    "/versions/{version}/promote",
    summary="Let a version serve",
    responses=declare(NotCertified, Conflict),
)
async def promote(tools: Tools, project: InProject, operator: Operator, version: str) -> Channels:
    """Make a version the champion; a certified champion gives way to certified ones only."""
    return await service.promote(tools, project, version, operator.subject)


@router.post(
    "/versions/{version}/shadow",
    summary="Score a version beside the answers",
    responses=declare(Conflict),
)
async def shadow(tools: Tools, project: InProject, operator: Operator, version: str) -> Channels:
    """Let a version be scored on the traffic and recorded; no answer ever comes from it."""
    return await service.shadow(tools, project, version, operator.subject)


@router.delete("/versions/{version}/shadow", summary="End a shadow", responses=declare(Conflict))
async def end_shadow(
    tools: Tools, project: InProject, operator: Operator, version: str
) -> Channels:
    """End a version's shadow."""
    return await service.end_shadow(tools, project, version, operator.subject)


@router.post(
    "/canary", summary="Give a version a share of the traffic", responses=declare(Conflict)
)
async def canary(
    tools: Tools, project: InProject, operator: Operator, request: CanaryRequest
) -> Channels:
    """Let a version answer its share of the items; version null or share 0 ends that.

    An item keeps to its version. What a version without a certificate scores goes to people.
    """
    return await service.canary(tools, project, request, operator.subject)


@router.post(
    "/versions/{version}/retire",
    summary="Take a version out of service",
    responses=declare(Conflict),
)
async def retire(tools: Tools, project: InProject, operator: Operator, version: str) -> VersionView:
    """Retire a version for good; the champion cannot be retired."""
    return await service.retire(tools, project, version, operator.subject)


@router.post(
    "/rollback",
    summary="Let the previous champion serve again",
    responses=declare(NothingToRollBackTo, NotCertified),
)
async def roll_back(tools: Tools, project: InProject, operator: Operator) -> Channels:
    """Let champion and previous champion change places."""
    return await service.roll_back(tools, project, operator.subject)


@router.post(
    "/versions/{version}/approve",
    summary="Let a version that passed the gate serve",
    responses=declare(NoApprovalWaiting, NotCertified),
)
async def approve(
    tools: Tools, project: InProject, operator: Operator, version: str, request: ApprovalRequest
) -> VersionView:
    """Approve a version that waits for it: it serves, or begins its canary."""
    return await approvals.approve(
        tools, project, version, actor=operator.subject, note=request.note
    )


@router.post(
    "/versions/{version}/reject",
    summary="Keep a version that passed the gate from serving",
    responses=declare(NoApprovalWaiting),
)
async def reject(
    tools: Tools, project: InProject, operator: Operator, version: str, request: ApprovalRequest
) -> VersionView:
    """Reject a version that waits for an approval, with a note for the history."""
    return await approvals.reject(
        tools, project, version, actor=operator.subject, note=request.note
    )


@router.get("/promotions", summary="List what became of versions, newest first")
async def list_promotions(
    tools: Tools,
    project: InProject,
    limit: Limit = 100,
    after: After = None,
    version: Annotated[str | None, Query(pattern=f"^{VERSION_PATTERN}$")] = None,
    kind: Annotated[list[EventKind] | None, Query(max_length=len(get_args(EventKind)))] = None,
) -> PromotionHistory:
    """List the gate's decisions, refusals included, and each change of roles with its actor."""
    before = decode_position(after) or None
    async with tools.database.reading() as session:
        rows = await gate.events(
            session, project.project, before=before, limit=limit, version=version, kinds=kind or ()
        )
    cursor = encode_cursor(rows[-1].id or 0) if len(rows) == limit else None
    events = [
        from_stored(PromotionEventView, {**row.model_dump(), "decision": row.document})
        for row in rows
    ]
    return PromotionHistory(events=events, cursor=cursor)
