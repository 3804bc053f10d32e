"""Route of the shadow stages."""

from typing import Annotated

from fastapi import Query

from services.trainer.resources import InProject, Tools, project_router
from services.trainer.shadow import repository
from services.trainer.shadow.messages import ShadowStages, ShadowStageView
from services.trainer.shadow.service import stage_figures
from shared.contracts.versions import VERSION_PATTERN
from shared.http.lists import After, Limit, decode_position, encode_cursor

router = project_router("versions")


@router.get("/shadow-stages", summary="List shadow stages, newest first")
async def list_shadow_stages(
    tools: Tools,
    project: InProject,
    limit: Limit = 100,
    after: After = None,
    version: Annotated[str | None, Query(pattern=f"^{VERSION_PATTERN}$")] = None,
) -> ShadowStages:
    """List versions that were compared with the champion on live traffic, and how far they are."""
    offset = decode_position(after)
    async with tools.database.reading() as session:
        rows = await repository.page(session, project.project, offset, limit, version)
        stages = [
            ShadowStageView(
                **row.model_dump(include=set(ShadowStageView.model_fields)),
                figures=await stage_figures(session, project, row),
                reasons=(row.document or {}).get("reasons", []),
            )
            for row in rows
        ]
    cursor = encode_cursor(offset + limit) if len(rows) == limit else None
    return ShadowStages(stages=stages, cursor=cursor)
