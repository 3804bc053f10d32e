"""The route by which a model that was made elsewhere becomes a version."""

from fastapi import Request

from services.trainer.registry.messages import VersionView
from services.trainer.resources import InActiveProject, Operator, Tools, project_router
from services.trainer.runs.service import CertificationOpen, RunActive
from services.trainer.uploads import service
from services.trainer.uploads.parts import (
    MANIFEST_BYTES,
    OwnManifest,
    multipart_schema,
    reading_parts,
)
from shared.problems import BodyTooLarge, Conflict, ProjectArchived, declare

router = project_router("versions")

# Which bodies are read past the ordinary limit, and how much more than the model they may hold.
UPLOAD_PATH = r"/v1/projects/[^/]+/versions"
UPLOAD_OVERHEAD_BYTES = 2 * MANIFEST_BYTES
_BODY = multipart_schema("`inputs`, `outputs`, and, if wanted, `labels` and `metrics`.")


@router.post(
    "/versions",
    status_code=201,
    summary="Bring your own model",
    responses=declare(BodyTooLarge, RunActive, CertificationOpen, ProjectArchived, Conflict),
    openapi_extra=_BODY,
)
async def upload(
    request: Request, tools: Tools, project: InActiveProject, operator: Operator
) -> VersionView:
    """Check an ONNX file, and publish it as a version; its certification begins at once."""
    limit = tools.settings.model_limit_bytes
    async with reading_parts(request, limit, OwnManifest) as (model, manifest):
        return await service.add(tools, project, manifest, model.file, operator.subject)
