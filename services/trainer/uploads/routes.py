"""The routes of models that were made elsewhere: a version, and a project's own encoder."""

from typing import Annotated, Literal

from fastapi import Header, Request

from services.trainer.encoders.stored import Encoder, EncoderManifest
from services.trainer.registry.messages import VersionView
from services.trainer.resources import (
    InActiveProject,
    InProject,
    Operator,
    Tools,
    project_router,
)
from services.trainer.runs.service import CertificationOpen, RunActive
from services.trainer.uploads import encoder_service, service
from services.trainer.uploads.parts import (
    MANIFEST_BYTES,
    OwnManifest,
    multipart_schema,
    reading_parts,
)
from shared.problems import BodyTooLarge, Conflict, NotFound, ProjectArchived, declare

router = project_router("versions")

# Which bodies are read past the ordinary limit, and how much more than the model they may hold.
UPLOAD_PATHS = (r"/v1/projects/[^/]+/versions", r"/v1/projects/[^/]+/encoder")
UPLOAD_OVERHEAD_BYTES = 2 * MANIFEST_BYTES
IfMatch = Annotated[
    str | None,
    Header(pattern='^"[0-9a-f]{64}"$', description="The SHA-256 of the encoder, quoted."),
]
IfNoneMatch = Annotated[Literal["*"] | None, Header(description="There is no encoder.")]
_MODEL_BODY = multipart_schema("`inputs`, `outputs`, and, if wanted, `labels` and `metrics`.")
_ENCODER_BODY = multipart_schema("`inputs`, and `outputs` with the output `vector`.")


@router.post(
    "/versions",
    status_code=201,
    summary="Bring your own model",
    responses=declare(BodyTooLarge, RunActive, CertificationOpen, ProjectArchived, Conflict),
    openapi_extra=_MODEL_BODY,
)
async def upload(
    request: Request, tools: Tools, project: InActiveProject, operator: Operator
) -> VersionView:
    """Check an ONNX file, and publish it as a version; its certification begins at once."""
    limit = tools.settings.model_limit_bytes
    async with reading_parts(request, limit, OwnManifest) as (model, manifest):
        return await service.add(tools, project, manifest, model.file, operator.subject)


@router.put(
    "/encoder",
    summary="Give the project an encoder of its own",
    responses=declare(BodyTooLarge, Conflict, ProjectArchived),
    openapi_extra=_ENCODER_BODY,
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
    terms = encoder_service.ReplaceCondition(_digest(if_match), if_none_match is not None)
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
    terms = encoder_service.ReplaceCondition(_digest(if_match), is_first=False)
    await encoder_service.remove(tools, project, terms)


def _digest(if_match: str | None) -> str | None:
    return None if if_match is None else if_match.strip('"')
