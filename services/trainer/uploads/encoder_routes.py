"""The routes of a project's own encoder."""

from typing import Any

from fastapi import Request

from services.trainer.encoders import stored
from services.trainer.encoders.messages import Encoder, EncoderManifest
from services.trainer.resources import (
    InActiveProject,
    InProject,
    Operator,
    Tools,
    project_router,
)
from services.trainer.uploads import encoder_service
from services.trainer.uploads.parts import multipart_schema, reading_parts
from shared.problems import BodyTooLarge, NotFound, declare
from shared.problems.archived import ProjectArchived

router = project_router("versions")

UPLOAD_PATH = r"/v1/projects/[^/]+/encoder"
_BODY: dict[str, Any] = multipart_schema("`inputs`, and `outputs` with the output `vector`.")


@router.put(
    "/encoder",
    summary="Give the project an encoder of its own",
    responses=declare(BodyTooLarge, ProjectArchived),
    openapi_extra=_BODY,
)
async def put(
    request: Request, tools: Tools, project: InActiveProject, operator: Operator
) -> Encoder:
    """Check an ONNX encoder, and keep it: recipe `head` learns on its vectors from now on."""
    limit = tools.settings.model_limit_bytes
    async with reading_parts(request, limit, EncoderManifest) as (model, manifest):
        return await encoder_service.put(tools, project, manifest, model, operator.subject)


@router.get("/encoder", summary="See the project's encoder", responses=declare(NotFound))
async def get(tools: Tools, project: InProject) -> Encoder:
    """Return what is known of the project's encoder."""
    return await encoder_service.get(tools, project)


@router.delete(
    "/encoder",
    status_code=204,
    summary="Remove the project's encoder",
    responses=declare(ProjectArchived),
)
async def remove(tools: Tools, project: InActiveProject) -> None:
    """Remove it; versions that were trained on it hold a copy, and serve on."""
    await stored.remove(tools, project.project)
