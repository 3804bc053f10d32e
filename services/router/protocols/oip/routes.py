"""Routes of the Open Inference Protocol; the model's name is the project's.

Infer is mostly met by the front, along `INFER`.
"""

from collections.abc import Iterator
from typing import Any

import orjson
from fastapi import APIRouter, Depends, Request, Response

from services.router.predict.predictor import Predictor
from services.router.problems import (
    PREDICT_PROBLEMS,
    MalformedInference,
    ProjectNotFound,
    StoreUnreachable,
    VersionNotFound,
    VersionNotReady,
)
from services.router.protocols.dependencies import CALLERS, Service, admit, limit_fields
from services.router.protocols.oip.inference import infer as infer_rows
from services.router.protocols.oip.inference import loaded_version
from services.router.protocols.oip.interface import Interface
from services.router.protocols.oip.messages import (
    InferenceResponse,
    ModelMetadata,
    ModelState,
    ServerMetadata,
)
from services.router.protocols.oip.refusals import refuse
from services.router.protocols.oip.requests import INFER_BODY, decompressed, header_length
from services.router.protocols.oip.responses import described
from services.router.versions.documents import named_by
from services.router.versions.views import View
from shared.auth import Principal, allow, principal_of
from shared.http.body import StrictRoute, parse_json
from shared.http.front import Answer, Call, RequestHeaders, Way
from shared.problems import (
    BodyTooLarge,
    NotFound,
    NotJson,
    Unavailable,
    Unprocessable,
    declare,
)

_PLATFORM = "onnx_onnxv1"
_EXTENSIONS = ["binary_tensor_data", "model_repository", "parameters"]
_TAGS: list[Any] = ["open inference protocol"]
_REFUSALS = (ProjectNotFound, StoreUnreachable)

health = APIRouter(prefix="/v2/health", tags=_TAGS)
server = APIRouter(prefix="/v2", tags=_TAGS, route_class=StrictRoute, responses=declare(*_REFUSALS))
models = APIRouter(
    prefix="/v2/models/{project}",
    tags=_TAGS,
    route_class=StrictRoute,
    dependencies=[Depends(allow("caller"))],
    responses=declare(*_REFUSALS, VersionNotFound, VersionNotReady),
)


@health.get("/live", summary="The server lives")
async def live() -> dict[str, bool]:
    """Answer, which is all."""
    return {"live": True}


@health.get("/ready", summary="The server can infer", responses=declare(Unavailable))
async def ready(service: Service) -> dict[str, bool]:
    """Say whether each champion in the store is loaded or refused."""
    if missing := service.versions.missing():
        problem = Unavailable("Not all models are ready yet; see `missing`.")
        problem.extensions["missing"] = missing
        raise problem
    return {"ready": True}


@server.get("", summary="What the server is", dependencies=[Depends(allow("caller"))])
async def metadata(request: Request) -> ServerMetadata:
    """Return name, version and extensions of the server."""
    return ServerMetadata(name="surehand", version=request.app.version, extensions=_EXTENSIONS)


@server.post(
    "/repository/index",
    summary="List the models",
    responses=declare(NotJson, BodyTooLarge, Unprocessable),
)
async def index(
    request: Request,
    service: Service,
    principal: Principal = Depends(allow("caller", "reviewer", "service")),  # noqa: B008
) -> list[ModelState]:
    """List versions of the projects that the token may enter; with `{"ready": true}` ready ones."""
    body = await request.body()
    asked = parse_json(body) if body else {}
    if type(asked) is not dict or type(asked.get("ready", False)) is not bool:
        raise Unprocessable([("/ready", "must be true or false")])
    return [
        state
        for name, view in sorted(service.versions.known().items())
        if principal.may_enter(name)
        for state in _states(name, view)
        if state.state == "READY" or not asked.get("ready")
    ]


def _states(project: str, view: View) -> Iterator[ModelState]:
    named = named_by(view.documents.channels)
    if not named:
        none = "the trainer has published no version yet"
        yield ModelState(name=project, version="", state="UNAVAILABLE", reason=none)
    for version in dict.fromkeys([*view.loaded, *named]):
        why = view.failures.get(version)
        if version in view.loaded:
            yield ModelState(name=project, version=version, state="READY", reason="")
        elif why:
            yield ModelState(name=project, version=version, state="UNAVAILABLE", reason=why)
        else:
            yield ModelState(name=project, version=version, state="LOADING", reason="")


@server.post(
    "/repository/models/{project}/load",
    summary="Load a model now",
    dependencies=[Depends(allow())],
    responses=declare(StoreUnreachable, VersionNotReady),
)
async def load(project: str, service: Service) -> Response:
    """Look for the champion in the store, also when it was refused or unloaded before.

    This copy of the router alone does so; the body is not read.
    """
    (await service.versions.load(project)).ready()
    return _json({})


@server.post(
    "/repository/models/{project}/unload", summary="Unload a model", dependencies=[Depends(allow())]
)
async def unload(project: str, service: Service) -> Response:
    """Free the model's memory in this copy, until it is loaded again or the router restarts.

    Meanwhile infer is answered 503, and predict sends every item to people.
    """
    await service.versions.unload(project)
    return _json({})


@models.get("", summary="What a model takes and gives")
@models.get("/versions/{version}", summary="What a version takes and gives")
async def model(project: str, service: Service, version: str | None = None) -> ModelMetadata:
    """Return the tensors of the version that serves, or of the one that is named."""
    view = await service.versions.view(project)
    loaded = await loaded_version(service.versions, view, version)
    inputs = Interface(view.documents.project.fields, loaded.manifest.inputs).described()
    outputs = described(loaded.graph.outputs, len(loaded.manifest.labels))
    return ModelMetadata(
        name=project,
        versions=list(dict.fromkeys([loaded.version, *view.loaded])),
        platform=_PLATFORM,
        inputs=inputs,
        outputs=outputs,
    )


@models.get("/ready", summary="A model can infer")
@models.get("/versions/{version}/ready", summary="A version can infer")
async def model_ready(project: str, service: Service, version: str | None = None) -> Response:
    """Say whether the version that serves, or the one that is named, is loaded."""
    view = await service.versions.view(project)
    loaded = await loaded_version(service.versions, view, version)
    return _json({"name": project, "version": loaded.version, "ready": True})


_INFER: dict[str, Any] = {
    "response_model": InferenceResponse,
    "openapi_extra": INFER_BODY,
    "responses": declare(*PREDICT_PROBLEMS, MalformedInference),
}


@models.post("/infer", summary="Infer", **_INFER)
@models.post("/versions/{version}/infer", summary="Infer by a version", **_INFER)
async def infer(
    project: str, request: Request, service: Service, version: str | None = None
) -> Response:
    """Score rows of tensors; with parameter `surehand_review` route them as predict does."""
    body, caller = await request.body(), principal_of(request)
    if encoding := request.headers.get("content-encoding"):
        body = decompressed(body, encoding, service.common.body_limit_bytes)
    length = header_length(request.headers.get("inference-header-content-length"))
    predictor = service.predictor
    answered_headers, answer = await infer_rows(predictor, project, version, body, length, caller)
    headers = {name.decode(): value.decode() for name, value in answered_headers}
    headers |= predictor.limit_headers(project, caller)
    return Response(answer, headers=headers)


@server.api_route("/{rest:path}", methods=["GET", "POST"], include_in_schema=False)
async def nothing(rest: str) -> Response:
    """Refuse what the protocol's other extensions would be, in its own words."""
    raise NotFound(f"There is no /v2/{rest}; GET /v2 lists the extensions that are.")


def _is_plain(_: str, headers: RequestHeaders) -> bool:
    return b"content-encoding" not in headers


async def _infer(call: Call) -> Answer:
    predictor: Predictor = call.state.services.predictor
    given = call.headers.get(b"inference-header-content-length")
    length = header_length(given.decode("latin-1")) if given is not None else None
    headers, answer = await infer_rows(predictor, call.word, None, call.body, length, call.caller)
    return [*headers, *limit_fields(predictor, call)], answer


INFER = Way("/v2/models/{project}/infer", CALLERS, _infer, _is_plain, admit, refuse)

# The models' own paths before the one that takes all.
routers = (health, models, server)


def _json(document: dict[str, Any]) -> Response:
    return Response(orjson.dumps(document), media_type="application/json")
