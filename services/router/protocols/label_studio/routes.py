"""Routes of the machine-learning backend that Label Studio connects to."""

from typing import Any

from fastapi import APIRouter, Depends, Request, Response
from pydantic import ValidationError

from services.router.problems import (
    ItemConflict,
    ModelTimedOut,
    Overloaded,
    ProjectNotFound,
    QueueUnreachable,
    StoreUnreachable,
    TrainerUnreachable,
    VersionNotReady,
)
from services.router.protocols.dependencies import Service
from services.router.protocols.label_studio.access import LabelStudioRoute
from services.router.protocols.label_studio.annotations import record
from services.router.protocols.label_studio.labeling import bind, parse_config
from services.router.protocols.label_studio.messages import (
    AnnotationEvent,
    Event,
    EventReceipt,
    Health,
    ModelVersions,
    PreAnnotations,
    PredictionRequest,
    Setup,
    SetupRequest,
)
from services.router.protocols.label_studio.preannotations import pre_annotations
from services.router.protocols.label_studio.training import start_run
from services.router.versions.views import View
from shared.auth import allow, principal_of
from shared.problems import (
    Conflict,
    ProjectArchived,
    TooManyRequests,
    Unprocessable,
    declare,
)
from shared.problems.faults import faults_of

_PREFIX = "/label-studio/{project}"
_TAGS: list[Any] = ["label studio"]
_REFUSALS = (ProjectNotFound, ProjectArchived, Unprocessable, StoreUnreachable)

health = APIRouter(prefix=_PREFIX, tags=_TAGS)
backend = APIRouter(prefix=_PREFIX, tags=_TAGS, route_class=LabelStudioRoute)
_by_caller = [Depends(allow("caller"))]


@health.get("/health", summary="The backend lives")
async def up(project: str) -> Health:  # noqa: ARG001 - open to all
    """Answer without a token."""
    return Health()


@backend.post(
    "/setup",
    summary="Connect a project of Label Studio",
    dependencies=_by_caller,
    responses=declare(*_REFUSALS),
)
async def setup(project: str, body: SetupRequest, service: Service) -> Setup:
    """Check that the labelling configuration asks for the project's labels."""
    view = await service.versions.view(project)
    _check_schema(body.label_config, view)
    return Setup(model_version=view.serving.version if view.serving is not None else None)


def _check_schema(text: str, view: View) -> None:
    if not text:
        return
    stored = view.documents.project
    try:
        config = parse_config(text)
        # A project of Label Studio may be connected before it is configured.
        if config.choices or config.variables:
            bind(config, stored.labels, stored.fields)
    except ValueError as error:
        raise Unprocessable([("/schema", str(error))]) from error


@backend.post(
    "/predict",
    summary="Pre-annotate tasks",
    dependencies=_by_caller,
    responses=declare(*_REFUSALS, TooManyRequests, ModelTimedOut, Overloaded, VersionNotReady),
    response_model_exclude_unset=True,
)
async def predict(
    project: str, request: Request, response: Response, body: PredictionRequest, service: Service
) -> PreAnnotations:
    """Score tasks; nothing is routed, logged or queued.

    A task that cannot be scored has an empty `result`, and in `error` why. That is so, too, for
    tasks whose images are more than one call may hold: send them in another.
    """
    predictor, caller = service.predictor, principal_of(request)
    predictor.admit(project)
    view = await service.versions.serving(project)
    loaded = view.ready()
    predictor.admission.check(loaded.batcher.flow)
    try:
        config = parse_config(body.label_config)
        binding = bind(config, view.documents.project.labels, view.documents.project.fields)
    except ValueError as error:
        raise Unprocessable([("/label_config", str(error))]) from error
    predictor.take(project, caller, len(body.tasks))
    with predictor.giving_back(project, caller, len(body.tasks)):
        results = await pre_annotations(predictor, loaded, binding, body.tasks)
    response.headers.update(predictor.limit_headers(project, caller))
    return PreAnnotations(results=results)


@backend.get(
    "/versions",
    summary="List model versions",
    dependencies=_by_caller,
    responses=declare(*_REFUSALS),
)
async def versions(project: str, service: Service) -> ModelVersions:
    """List the version that serves, then the others that the channels name."""
    view = await service.versions.view(project)
    serving = [view.serving.version] if view.serving is not None else []
    return ModelVersions(versions=list(dict.fromkeys([*serving, *view.loaded])))


@backend.post(
    "/webhook",
    summary="Take an event of Label Studio",
    dependencies=[Depends(allow("service"))],
    responses=declare(*_REFUSALS, Conflict, ItemConflict, QueueUnreachable, TrainerUnreachable),
    response_model_exclude_unset=True,
)
async def webhook(project: str, body: Event, request: Request, service: Service) -> EventReceipt:
    """Record annotations as verdicts of their annotators; start a run on START_TRAINING.

    An updated annotation corrects what was answered before. Other events are let pass.
    """
    view = await service.versions.view(project)
    if body.action == "START_TRAINING":
        run_id = await start_run(service.common.trainer_url, project, request.state.token)
        return EventReceipt(status="ok", job=run_id)
    if body.action not in ("ANNOTATION_CREATED", "ANNOTATION_UPDATED"):
        return EventReceipt(status="Unknown event")
    try:
        event = AnnotationEvent.model_validate(body.model_extra)
    except ValidationError as error:
        raise Unprocessable(faults_of(error)) from error
    corrects = body.action == "ANNOTATION_UPDATED"
    return await record(service.queue, view.documents.project, event, corrects=corrects)


routers = (health, backend)
