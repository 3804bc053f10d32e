"""The use case of infer: score the rows of a request, or route them as predict does."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import numpy as np
from pydantic import TypeAdapter, ValidationError

from services.router.delivery.errors import ItemConflict
from services.router.pictures.opening import Data, check_decoded
from services.router.predict.predictor import Predictor
from services.router.predict.requests import Asked, Incoming
from services.router.protocols.oip.errors import MalformedInference
from services.router.protocols.oip.interface import Interface, Rows
from services.router.protocols.oip.requests import InferenceRequest, read
from services.router.protocols.oip.responses import Headers, Result, encode, wanted_of
from services.router.scoring.scores import Score
from services.router.versions.documents import Documents
from services.router.versions.loading import LoadedVersion
from services.router.versions.registry import Versions
from services.router.versions.views import View
from shared.auth import Principal
from shared.contracts.base import ItemId
from shared.contracts.decisions import ReviewMode
from shared.problems import Problem, Unprocessable
from shared.tracing import note, traced

_REVIEW, _ITEM_IDS = "surehand_review", "surehand_item_ids"
_OURS = "surehand_"
_REVIEWS: dict[str, ReviewMode] = {"auto": "auto", "always": "always"}
_ITEM_ID_LIST: TypeAdapter[list[str]] = TypeAdapter(list[ItemId])
_ITEM_POINTER = re.compile(r"/items(?:/(?P<row>\d+)(?:/item_id|/data/(?P<field>\w+))?)?")
_REMEMBERED = 1000


@dataclass(frozen=True)
class Inference:
    """Infers by the versions that are loaded. Interfaces are worked out once a version."""

    predictor: Predictor
    body_limit_bytes: int
    _interfaces: dict[tuple[str, str | None], tuple[Documents, LoadedVersion | None, Interface]] = (
        field(default_factory=dict)
    )

    @property
    def versions(self) -> Versions:
        """The versions that calls are inferred by."""
        return self.predictor.versions

    @traced("infer", kind="server")
    async def infer(
        self,
        model: str,
        version: str | None,
        body: bytes,
        header_length: int | None,
        caller: Principal,
    ) -> tuple[Headers, bytes]:
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
        self.predictor.admit(model)
        request = read(body, header_length)
        if (review := _review(request.parameters)) is not None:
            return await self._routed(model, version, request, review, caller)
        view = await (self.versions.serving if version is None else self.versions.view)(model)
        loaded = await self.loaded(model, version, view)
        self.predictor.admission.check(loaded.batcher.flow)
        wanted, of_graph = wanted_of(request, loaded.graph.outputs)
        rows = self.interface(view, loaded).rows(request.inputs, loaded.fields)
        self.predictor.take(model, caller, len(rows.items))
        note(project=model, items=len(rows.items), model_version=loaded.version)
        if files := _files(rows, view):
            scores, arrays = await self._scored_files(model, rows, files, loaded, of_graph, caller)
        else:
            scores = _scorable(loaded, await loaded.batcher.score(rows.items))
            arrays = await _arrays(loaded, of_graph, rows.items) if of_graph else {}
        result = Result(loaded.version, loaded.manifest.labels, scores, None, arrays)
        return encode(model, request.id, wanted, result)

    async def _scored_files(
        self,
        model: str,
        rows: Rows,
        files: Sequence[str],
        loaded: LoadedVersion,
        of_graph: Sequence[str],
        caller: Principal,
    ) -> tuple[Sequence[Score | None], dict[str, Any]]:
        """Score rows that have images as files, and run the graph for its other outputs."""

        async def score(_: Sequence[int], part: list[Data]) -> Sequence[Score | None]:
            return await loaded.batcher.score(part)

        async def run(_: Sequence[int], part: list[Data]) -> list[None]:
            parts.append(await _arrays(loaded, of_graph, part))
            return [None] * len(part)

        pictures = self.predictor.pictures
        admit = partial(self.predictor.admission.check, loaded.batcher.flow)
        with self.predictor.giving_back(model, caller, len(rows.items)):
            data = await pictures.admitted(rows.items, files, place=rows.place, whole="/inputs")
            scores = await pictures.each(data, files, loaded.layouts, score, admit=admit)
        check_decoded(data, files, place=rows.place)
        _scorable(loaded, scores)
        if not of_graph:
            return scores, {}
        parts: list[dict[str, Any]] = []
        await pictures.each(data, files, loaded.layouts, run, admit=None)
        return scores, {name: _joined(name, [part[name] for part in parts]) for name in of_graph}

    async def loaded(self, model: str, version: str | None, view: View) -> LoadedVersion:
        """Return the version that is named, or the one that serves.

        Raises
        ------
        VersionNotFound, VersionNotReady, StoreUnreachable
        """
        if version is not None:
            return await self.versions.pinned(model, version)
        return view.ready()

    def interface(self, view: View, loaded: LoadedVersion | None) -> Interface:
        """Return the interface of a version of the project as it is now."""
        documents, project = view.documents, view.documents.project
        key = (project.project, loaded.version if loaded is not None else None)
        known = self._interfaces.get(key)
        if known is not None and known[0] is documents and known[1] is loaded:
            return known[2]
        if len(self._interfaces) >= _REMEMBERED:
            self._interfaces.clear()
        interface = Interface(project.fields, loaded.manifest.inputs if loaded is not None else [])
        self._interfaces[key] = (documents, loaded, interface)
        return interface

    async def _routed(
        self,
        model: str,
        version: str | None,
        request: InferenceRequest,
        review: ReviewMode,
        caller: Principal,
    ) -> tuple[Headers, bytes]:
        view = await self.predictor.view(model, review)
        serving = view.serving
        if version is not None and (serving is None or serving.version != version):
            raise MalformedInference(
                f"/parameters/{_REVIEW}", "routes by the version that serves; name no other"
            )
        wanted, _ = wanted_of(request, {})
        rows = self.interface(view, serving).rows(request.inputs, view.documents.project.fields)
        for image in rows.laid_out:
            raise MalformedInference(
                f"/inputs/{rows.inputs[image]}", "people see the image: send its file as BYTES"
            )
        item_ids = _item_ids(request.parameters.get(_ITEM_IDS), len(rows.items))
        asked = [Asked(item_id, row, {}) for item_id, row in zip(item_ids, rows.items, strict=True)]
        try:
            call = await self.predictor.decide(model, Incoming(asked, 0, review, caller))
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
            raise MalformedInference(f"/parameters/{name}", "is no parameter of ours")
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


def _files(rows: Rows, view: View) -> list[str]:
    """Return the image fields that came as files."""
    return [
        field
        for field in view.documents.image_fields
        if field in rows.inputs and field not in rows.laid_out
    ]


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
