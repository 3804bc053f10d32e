"""The route by which a model that was made elsewhere becomes a version."""

from typing import Any

from fastapi import Request
from starlette.exceptions import HTTPException

from services.trainer.registry.messages import VersionView
from services.trainer.resources import InActiveProject, Operator, Tools, project_router
from services.trainer.runs.service import CertificationOpen, RunActive
from services.trainer.uploads import service
from services.trainer.uploads.parts import MANIFEST_BYTES, PARTS, read_parts
from shared.problems import BodyTooLarge, Conflict, Unprocessable, declare
from shared.problems.archived import ProjectArchived

router = project_router("versions")

# Which bodies are read past the ordinary limit, and how much more than the model they may hold.
UPLOAD_PATH = r"/v1/projects/[^/]+/versions"
UPLOAD_OVERHEAD_BYTES = 2 * MANIFEST_BYTES
_MULTIPART = "multipart/form-data"
_SCHEMA: dict[str, Any] = {
    "type": "object",
    "required": list(PARTS),
    "additionalProperties": False,
    "properties": {
        "model": {"type": "string", "contentMediaType": "application/octet-stream"},
        "manifest": {
            "type": "string",
            "contentMediaType": "application/json",
            "description": "`inputs`, `outputs`, and, if wanted, `labels` and `metrics`.",
        },
    },
}


@router.post(
    "/versions",
    status_code=201,
    summary="Bring your own model",
    responses=declare(BodyTooLarge, RunActive, CertificationOpen, ProjectArchived, Conflict),
    openapi_extra={"requestBody": {"required": True, "content": {_MULTIPART: {"schema": _SCHEMA}}}},
)
async def upload(
    request: Request, tools: Tools, project: InActiveProject, operator: Operator
) -> VersionView:
    """Check an ONNX file, and publish it as a version; its certification begins at once."""
    if not request.headers.get("content-type", "").lower().startswith(_MULTIPART):
        raise Unprocessable([("/header/content-type", f"must be {_MULTIPART}")])
    try:
        form = request.form(max_files=len(PARTS), max_fields=len(PARTS))
        async with form as parts:
            model, manifest = await read_parts(parts, tools.settings.model_limit_bytes)
            return await service.add(tools, project, manifest, model.file, operator.subject)
    except HTTPException as error:
        raise Unprocessable([("", f"cannot be read: {error.detail}")]) from error
