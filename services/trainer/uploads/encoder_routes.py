"""The routes of a project's own encoder."""

from typing import Annotated, Any, Literal

from fastapi import Header, Request

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
from shared.problems import BodyTooLarge, Conflict, NotFound, ProjectArchived, declare

router = project_router("versions")

UPLOAD_PATH = r"/v1/projects/[^/]+/encoder"
IfMatch = Annotated[
    str | None,
    Header(pattern='^"[0-9a-f]{64}"$', description="The SHA-256 of the encoder, quoted."),
]
IfNoneMatch = Annotated[Literal["*"] | None, Header(description="There is no encoder.")]
_BODY: dict[str, Any] = multipart_schema("`inputs`, and `outputs` with the output `vector`.")


@router.put(
    "/encoder",
    summary="Give the project an encoder of its own",
    responses=declare(BodyTooLarge, Conflict, ProjectArchived),
    openapi_extra=_BODY,
)
async def put(
    request: Request,
    tools: Tools,
    project: InActiveProject,
    operator: Operator,
    if_match: IfMatch = None,
    if_none_match: IfNoneMatch = None,
) -> Encoder:
    """Check an ONNX encoder, and keep it: recipe `head` learns on its vectors from now on.

    With `If-Match` only the encoder of that digest is replaced, with `If-None-Match: *` none.
    """
    limit = tools.settings.model_limit_bytes
    terms = encoder_service.Terms(_digest(if_match), if_none_match is not None)
    async with reading_parts(request, limit, EncoderManifest) as (model, manifest):
        return await encoder_service.put(tools, project, manifest, model, operator.subject, terms)


@router.get("/encoder", summary="See the project's encoder", responses=declare(NotFound))
async def get(tools: Tools, project: InProject) -> Encoder:
    """Return what is known of the project's encoder."""
    return await encoder_service.get(tools, project)


@router.delete(
    "/encoder",
    status_code=204,
    summary="Remove the project's encoder",
    responses=declare(Conflict, ProjectArchived),
)
async def remove(tools: Tools, project: InActiveProject, if_match: IfMatch = None) -> None:
    """Remove it; versions that were trained on it hold a copy, and keep serving.

    With `If-Match` only the encoder of that digest is removed.
    """
    terms = encoder_service.Terms(_digest(if_match), is_first=False)
    await encoder_service.remove(tools, project, terms)


def _digest(if_match: str | None) -> str | None:
    return None if if_match is None else if_match.strip('"')
