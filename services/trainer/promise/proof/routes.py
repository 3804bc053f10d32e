"""The route of an exported certificate."""

from fastapi.responses import StreamingResponse

from services.trainer.promise.proof.export import export_certificate
from services.trainer.resources import InProject, Tools, project_router
from shared.problems import Conflict, declare

router = project_router("evidence")


@router.get(
    "/versions/{version}/certificate/export",
    summary="Export a certificate with all that it rests on",
    response_class=StreamingResponse,
    responses={
        200: {"description": "The lines", "content": {"application/x-ndjson": {}}},
        **declare(Conflict),
    },
)
async def get_export(tools: Tools, project: InProject, version: str) -> StreamingResponse:
    """Return population, draw, verdicts, tests and certificate, for `verify-certificate`."""
    chunks = await export_certificate(tools, project, version)
    name = f"{project.project}-{version}-certificate.ndjson"
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return StreamingResponse(chunks, media_type="application/x-ndjson", headers=headers)
