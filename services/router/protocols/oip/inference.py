"""The use case of infer: score the rows of a request, or route them as predict does."""

import re
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np
from pydantic import TypeAdapter, ValidationError

from services.router.pictures.opening import Data, check_decoded
from services.router.predict.predictor import Predictor
from services.router.predict.requests import Asked, Incoming
from services.router.problems import ItemConflict, MalformedInference
from services.router.protocols.oip.interface import Interface, Rows
from services.router.protocols.oip.requests import InferenceRequest, read
from services.router.protocols.oip.responses import Result, encode, wanted_of
from services.router.versions.loading import LoadedVersion
from services.router.versions.registry import Versions
from services.router.versions.views import View
from shared.auth import Principal
from shared.contracts.base import ItemId
from shared.contracts.decisions import ReviewMode
from shared.http.front import Answer
from shared.problems import Problem, Unprocessable
from shared.routing.scores import Score
from shared.tracing import note, traced

_REVIEW, _ITEM_IDS = "surehand_review", "surehand_item_ids"
_OURS = "surehand_"
_REVIEWS: dict[str, ReviewMode] = {"auto": "auto", "always": "always"}
_ITEM_ID_LIST: TypeAdapter[list[str]] = TypeAdapter(list[ItemId])
_ITEM_POINTER = re.compile(r"/items(?:/(?P<row>\d+)(?:/item_id|/data/(?P<field>\w+))?)?")


@traced("infer", kind="server")
async def infer(
    predictor: Predictor,
    model: str,
    version: str | None,
    body: bytes,
    header_length: int | None,
    caller: Principal,
) -> Answer:
    """Return the headers and the body of the response.

    Parameters
    ----------
    version
        The version that the caller names; None for the one that serves.
    header_length
        Bytes of JSON at the head of `body`; None when it is JSON alone.

    Raises
    ------
    ProjectNotFound, VersionNotFound, MalformedInference, NotJson, Unprocessable,
    ItemConflict, BodyTooLarge, Unavailable
    """
    predictor.admit(model)
    request = read(body, header_length)
    if (review := _review(request.parameters)) is not None:
        return await _routed(predictor, model, version, request, review, caller)
    look = predictor.versions.serving if version is None else predictor.versions.view
    loaded = await loaded_version(predictor.versions, view := await look(model), version)
    predictor.admission.check(loaded.batcher.flow)
    wanted, of_graph = wanted_of(request, loaded.graph.outputs)
    interface = Interface(view.documents.project.fields, loaded.manifest.inputs)
    rows = interface.rows(request.inputs, loaded.fields)
    predictor.take(model, caller, len(rows.items))
    note(project=model, items=len(rows.items), model_version=loaded.version)
    images = view.documents.image_fields
    files = [one for one in images if one in rows.inputs and one not in rows.laid_out]
    with predictor.giving_back(model, caller, len(rows.items)):
        scores, arrays = await _scored(predictor, rows, files, loaded, of_graph)
    result = Result(loaded.version, loaded.manifest.labels, scores, None, arrays)
    return encode(model, request.id, wanted, result)


async def _scored(
    predictor: Predictor,
    rows: Rows,
    files: Sequence[str],
    loaded: LoadedVersion,
    of_graph: Sequence[str],
) -> tuple[Sequence[Score | None], dict[str, Any]]:
    """Score rows, those of `files` from decoded images; run the graph for its other outputs."""
    if not files:
        scores = _scorable(loaded, await loaded.batcher.score(rows.items))
        return scores, await _arrays(loaded, of_graph, rows.items) if of_graph else {}

    async def score(_: Sequence[int], part: list[Data]) -> Sequence[Score | None]:
        return await loaded.batcher.score(part)

    async def run(_: Sequence[int], part: list[Data]) -> list[None]:
        parts.append(await _arrays(loaded, of_graph, part))
        return [None] * len(part)

    pictures = predictor.pictures
    admit = partial(predictor.admission.check, loaded.batcher.flow)
    data = await pictures.admitted(rows.items, files, place=rows.place, whole="/inputs")
    found = await pictures.each(data, files, loaded.layouts, score, admit=admit)
    check_decoded(data, files, place=rows.place)
    scores = _scorable(loaded, found)
    if not of_graph:
        return scores, {}
    parts: list[dict[str, Any]] = []
    await pictures.each(data, files, loaded.layouts, run, admit=None)
    return scores, {name: _joined(name, [part[name] for part in parts]) for name in of_graph}


async def loaded_version(versions: Versions, view: View, version: str | None) -> LoadedVersion:
    """Return the named version as `Versions.pinned` does, or the one that serves."""
    if version is None:
        return view.ready()
    return await versions.pinned(view.documents.project.project, version)


async def _routed(
    predictor: Predictor,
    model: str,
    version: str | None,
    request: InferenceRequest,
    review: ReviewMode,
    caller: Principal,
) -> Answer:
    view = await predictor.view(model, review)
    serving, project = view.serving, view.documents.project
    if version is not None and (serving is None or serving.version != version):
        raise MalformedInference(
            f"/parameters/{_REVIEW}", "routes by the version that serves; name no other"
        )
    wanted, _ = wanted_of(request, {})
    interface = Interface(project.fields, serving.manifest.inputs if serving is not None else [])
    rows = interface.rows(request.inputs, project.fields)
    for image in rows.laid_out:
        raise MalformedInference(
            f"/inputs/{rows.inputs[image]}", "people see the image: send its file as BYTES"
        )
    item_ids = _item_ids(request.parameters.get(_ITEM_IDS), len(rows.items))
    asked = [Asked(item_id, row, {}) for item_id, row in zip(item_ids, rows.items, strict=True)]
    try:
        call = await predictor.decide(model, Incoming(asked, 0, review, caller))
    except (Unprocessable, ItemConflict) as problem:
        _point_at_inputs(problem, rows)
        raise
    scored_by: str | None = call.terms.response_fields["model_version"]
    result = Result(scored_by or "", call.labels, call.scores, call.decisions)
    return encode(model, request.id, wanted, result)


def _review(parameters: Mapping[str, Any]) -> ReviewMode | None:
    """Return how the call is to be routed; None when it is to be scored only."""
    for name in parameters:
        if name.startswith(_OURS) and name not in (_REVIEW, _ITEM_IDS):
            raise MalformedInference(f"/parameters/{name}", "is not a parameter of Surehand")
    asked = parameters.get(_REVIEW)
    if asked is None:
        return None
    if type(asked) is not str or asked not in _REVIEWS:
        raise MalformedInference(f"/parameters/{_REVIEW}", f"must be {' or '.join(_REVIEWS)}")
    return _REVIEWS[asked]


def _item_ids(given: Any, count: int) -> list[str]:
    pointer = f"/parameters/{_ITEM_IDS}"
    if type(given) is not list or len(given) != count:
        raise MalformedInference(pointer, f"must be a list of {count} item ids, one a row")
    try:
        return _ITEM_ID_LIST.validate_python(given, strict=True)
    except ValidationError as error:
        faults = [(f"{pointer}/{fault['loc'][0]}", str(fault["msg"])) for fault in error.errors()]
        raise Unprocessable(faults) from error


def _point_at_inputs(problem: Problem, rows: Rows) -> None:
    """Let a problem of predict's items point at what this protocol calls them."""

    def renamed(found: re.Match[str]) -> str:
        row, field = found["row"], found["field"]
        if row is None:
            return "/inputs"
        return rows.place(int(row), field) if field else f"/parameters/{_ITEM_IDS}/{row}"

    for fault in problem.extensions["errors"]:
        for member in ("pointer", "detail"):
            fault[member] = _ITEM_POINTER.sub(renamed, fault[member])


def _scorable(loaded: LoadedVersion, scores: Sequence[Score | None]) -> Sequence[Score | None]:
    """Return the scores; raise `Unprocessable` when one is missing."""
    if None in scores:
        raise Unprocessable(
            [
                (f"/inputs/0/data/{i}", f"is in a row that version {loaded.version} cannot score")
                for i, score in enumerate(scores)
                if score is None
            ]
        )
    return scores


async def _arrays(
    loaded: LoadedVersion, names: Sequence[str], data: Sequence[Data]
) -> dict[str, Any]:
    """Run the graph once more, for its outputs that are rarely asked for."""
    try:
        parts = [
            await loaded.batcher.run_unbatched(
                loaded.graph.arrays, names, data[start : start + loaded.graph.batch]
            )
            for start in range(0, len(data), loaded.graph.batch)
        ]
    except ValueError as error:
        raise MalformedInference("/outputs", str(error)) from error
    return {name: _joined(name, [part[name] for part in parts]) for name in names}


def _joined(name: str, parts: Sequence[Any]) -> Any:
    """Join what runs of the graph gave for an output of some rows each."""
    try:
        return np.concatenate(parts)
    except ValueError as error:
        # Its further axes depend on the rows that were run together.
        why = f"{name} has rows of different shapes: send fewer rows, or smaller images"
        raise MalformedInference("/outputs", why) from error
