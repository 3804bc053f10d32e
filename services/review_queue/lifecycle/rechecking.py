"""Whether the model's answer may still be given to an item that waited for an optional review.

The router that sent it had a certificate for the answer. Before the answer is given, the promise is
judged anew, by the same rule and from the same documents as routers judge it.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar

import structlog
from obstore.exceptions import BaseError as StoreError
from pydantic import BaseModel, ValidationError

from shared.contracts.base import from_stored
from shared.contracts.projects import Project
from shared.contracts.promise_status import as_float32, digest_of, promise_status
from shared.contracts.tasks import TaskPrediction
from shared.contracts.versions import Manifest, Newest, PromiseDocument
from shared.logs import cause_of
from shared.store import Store, manifest_path, promise_path

log = structlog.get_logger()

Document = TypeVar("Document", bound=BaseModel)


@dataclass(frozen=True)
class Recheck:
    """The promise of one project as the store has it; `graphs` are the digests of its versions."""

    promise: PromiseDocument | None
    graphs: dict[str, str]

    def refusal(self, prediction: TaskPrediction, project: Project, now: datetime) -> str | None:
        """Say why the prediction is no answer at `now`; None if it is certified."""
        version, label = prediction.model_version, prediction.label
        if version is None or version not in self.graphs or label not in project.labels:
            return "uncertified"
        status = promise_status(
            project, digest_of(project), self.promise, version, self.graphs[version], now
        )
        if status.refusal is not None or status.threshold is None:
            return status.refusal or "uncertified"
        confidence = prediction.confidence
        if confidence is None or not as_float32(confidence) >= status.threshold:
            return "below_threshold"
        return None


class Rechecks:
    """Reads promises from the store; what cannot be read certifies nothing."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._newest = Newest()
        self._graphs: dict[tuple[str, str], str] = {}

    async def of(self, project: str, predictions: list[TaskPrediction]) -> Recheck:
        """Return what the predictions of one project are judged by."""
        promise = await self._read(promise_path(project), PromiseDocument)
        if promise is not None and not self._newest.accept(promise_path(project), promise):
            log.warning("promise_refused", project=project, cause="older")
            promise = None
        versions = {one.model_version for one in predictions if one.model_version is not None}
        graphs = {version: await self._graph(project, version) for version in versions}
        return Recheck(
            promise, {version: graph for version, graph in graphs.items() if graph is not None}
        )

    async def _graph(self, project: str, version: str) -> str | None:
        """Return the digest of a version's graph, which never changes; None where it is unread."""
        known = self._graphs.get((project, version))
        if known is None:
            manifest = await self._read(manifest_path(project, version), Manifest)
            if manifest is None:
                return None
            known = self._graphs[project, version] = manifest.model_sha256
        return known

    async def _read(self, path: str, kind: type[Document]) -> Document | None:
        try:
            return await self._store.read_document(path, kind)
        except (StoreError, OSError, ValidationError) as error:
            log.warning("document_unread", path=path, cause=cause_of(error))
            return None


def optional_review(stored: dict[str, object] | None) -> TaskPrediction | None:
    """Return the prediction of a task that a router sent for an optional review; None of others."""
    prediction = from_stored(TaskPrediction, stored or {})
    return prediction if prediction.reason == "optional_review" else None
