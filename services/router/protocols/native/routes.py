"""The router's own routes: parse, call one function, return.

Predict is mostly met by the front, along `PREDICT`.
"""

from typing import Annotated

import orjson
from fastapi import APIRouter, Depends, Query, Request, Response
from pydantic import TypeAdapter, ValidationError

from services.router.outcomes.messages import OutcomeQuery, ToldOutcome, ToldOutcomes
from services.router.predict.predictor import Predictor
from services.router.predict.requests import from_validated, read
from services.router.predict.terms import promise_status_of, promise_summary, why_not_answering
from services.router.problems import (
    PREDICT_PROBLEMS,
    ItemErased,
    OutcomeUnsettled,
    ProjectNotFound,
    QueueUnreachable,
    StoreUnreachable,
    TrainerUnreachable,
)
from services.router.protocols.dependencies import CALLERS, HasLeft, Service, admit, limit_fields
from services.router.protocols.native.messages import ModelStatus
from shared.auth import allow, principal_of
from shared.contracts.base import ItemId
from shared.contracts.decisions import PredictRequest, PredictResponse
from shared.http.access import ITEM_ID
from shared.http.body import StrictRoute
from shared.http.front import JSON, Answer, Call, Way
from shared.problems import Unprocessable, declare

router = APIRouter(
    prefix="/v1/projects/{project}",
    route_class=StrictRoute,
    dependencies=[Depends(allow("caller"))],
    responses=declare(ProjectNotFound, Unprocessable, StoreUnreachable),
    tags=["router"],
)

_OUTCOME_PROBLEMS = (StoreUnreachable, QueueUnreachable, TrainerUnreachable, OutcomeUnsettled)

WaitSeconds = Annotated[float, Query(ge=0, le=60, description="Wait so long for a verdict.")]

_ITEM_ID: TypeAdapter[str] = TypeAdapter(ItemId)


async def _predict(call: Call) -> Answer:
    predictor: Predictor = call.state.services.predictor
    incoming = read(call.body, call.caller)
    decided = await predictor.decide(call.word, incoming, call.left)
    return [(b"content-type", JSON), *limit_fields(predictor, call)], decided.body()


PREDICT = Way("/v1/projects/{project}/predict", CALLERS, _predict, admit=admit)


@router.post(
    "/predict",
    summary="Predict and route items",
    response_model=PredictResponse,
    responses=declare(*PREDICT_PROBLEMS),
)
async def predict(
    request: Request, project: str, body: PredictRequest, service: Service, left: HasLeft
) -> Response:
    """Answer what the promise covers, and send the rest to people.

    With `wait_seconds` the answer waits for theirs, and says what it got in time: such entries are
    `answered`, their reason is `human`.

    `in_review`, and the audit task of an answer, are durable before the response. With a 409 some
    neighbours of the conflicting items may be under review already: the same call without the
    conflict gets the same tasks.
    """
    caller, predictor = principal_of(request), service.predictor
    decided = await predictor.decide(project, from_validated(body, caller), left)
    response = _json(decided.body())
    response.headers.update(predictor.limit_headers(project, caller))
    return response


@router.get(
    f"/items/{ITEM_ID}/outcome",
    summary="What became of an item",
    response_model=ToldOutcome,
    responses=declare(ItemErased, *_OUTCOME_PROBLEMS),
)
async def outcome(
    project: str, item_id: str, service: Service, left: HasLeft, wait_seconds: WaitSeconds = 0
) -> Response:
    """Say whether people have resolved the item, else what it was answered; percent-encode its id.

    With `wait_seconds` the response comes once people have resolved an item that they were asked
    about, or as things stand after that time. `unknown` says that no router has decided the item
    within the project's `retention_days`; 503 while that cannot be said for sure.
    """
    await service.versions.view(project)
    try:
        _ITEM_ID.validate_python(item_id)
    except ValidationError as error:
        raise Unprocessable([("/path/item_id", "is not an item id")]) from error
    found = await service.outcomes.of_item(project, item_id, wait_seconds, left)
    if found.status == "erased":
        raise ItemErased(item_id)
    return _json(found.model_dump_json().encode())


@router.post(
    "/outcomes",
    summary="What became of many items",
    response_model=ToldOutcomes,
    responses=declare(*_OUTCOME_PROBLEMS),
)
async def outcomes(project: str, query: OutcomeQuery, service: Service) -> Response:
    """Say of each item what ``GET …/items/{item_id}/outcome`` says; an erased one is `erased`."""
    await service.versions.view(project)
    found = await service.outcomes.of_items(project, query.item_ids)
    return _json(ToldOutcomes(outcomes=found).model_dump_json().encode())


@router.get("/model", summary="What the project serves with", response_model=ModelStatus)
async def model(project: str, service: Service) -> Response:
    """Return channels, promise, and the digests that this replica has loaded."""
    view = await service.versions.view(project)
    documents, serving = view.documents, view.serving
    channels, promise = documents.channels, documents.promise
    now = service.predictor.now()
    found = promise_status_of(view, serving, now)
    why_not = why_not_answering(view, found, now)
    status = {
        "project": project,
        **channels.model_dump(include={"champion", "previous", "challenger", "shadow"}),
        "channels_revision": channels.revision,
        "policy_revision": promise.revision if promise is not None else None,
        "project_revision": documents.project.revision,
        "promise": promise_summary(view, found),
        "valid_now": why_not is None,
        "why_not": why_not,
        "serving": serving.version if serving is not None else None,
        "loaded": {version: loaded.sha256 for version, loaded in view.loaded.items()},
        "failures": dict(view.failures),
    }
    return _json(orjson.dumps(status))


def _json(body: bytes) -> Response:
    return Response(body, media_type="application/json")
