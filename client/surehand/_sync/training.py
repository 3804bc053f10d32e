"""Runs, versions and decisions."""

import builtins
import contextlib
import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import IO, Any

import httpx

from surehand import endpoints as e
from surehand._sync.concurrency import sleep
from surehand._sync.pages import Group, Pages
from surehand.errors import WaitTimeout
from surehand.models.lineage import ItemLineage, SimilarItems
from surehand.models.shadow import ShadowStage
from surehand.models.training import (
    Channels,
    Comparison,
    Confusion,
    Dataset,
    DatasetDiff,
    Decision,
    DecisionDays,
    Encoder,
    ProjectDays,
    PromotionEvent,
    Run,
    Version,
)
from surehand.retries import keyed

_LOOK_SECONDS = 0.5


class Runs(Group):
    """`client.runs`: training runs."""

    def start(
        self,
        project: str,
        *,
        mode: str | None = None,
        recipe: str | None = None,
        key: str | None = None,
    ) -> Run:
        """Start a run; `Conflict` while another one is under way, or first labels are not ready.

        Without a `mode` (initial, fine_tune, active) the trainer chooses by the project's state.
        Repeating a request with the same `key` gives the same run.
        """
        chosen = {} if mode is None else {"mode": mode}
        names, body = {"project": project}, {**chosen, "recipe": recipe}
        return self._http.ask(e.START_RUN, names, json=body, headers=keyed(key))

    def list(self, project: str) -> Pages[Run]:
        """List the runs, newest first."""
        return Pages(self._http, e.RUNS, {"project": project})

    def get(self, project: str, run_id: str) -> Run:
        """Return a run with the end of its log."""
        return self._http.ask(e.GET_RUN, {"project": project, "run_id": run_id})

    def cancel(self, project: str, run_id: str) -> Run:
        """Cancel a run."""
        return self._http.ask(e.CANCEL_RUN, {"project": project, "run_id": run_id})

    def wait(self, project: str, run_id: str, *, timeout: float = 600.0) -> Run:
        """Return the run once it is over.

        Raises
        ------
        WaitTimeout
            It is not over after `timeout` seconds.
        """
        for _ in range(max(int(timeout / _LOOK_SECONDS), 1)):
            run = self.get(project, run_id)
            if run.is_over:
                return run
            sleep(_LOOK_SECONDS)
        raise WaitTimeout(f"Run {run_id} is not over after {timeout:g} s.", [])

    def datasets(self, project: str) -> Pages[Dataset]:
        """List the frozen training data of the runs."""
        return Pages(self._http, e.DATASETS, {"project": project})

    def dataset(self, project: str, dataset_id: str) -> Dataset:
        """Return the frozen training data of a run."""
        return self._http.ask(e.GET_DATASET, {"project": project, "dataset_id": dataset_id})

    @contextlib.contextmanager
    def download_dataset(self, project: str, dataset_id: str) -> Iterator[httpx.Response]:
        """Give the rows of a dataset as JSON Lines, compressed with gzip."""
        route, names = e.DOWNLOAD_DATASET, {"project": project, "dataset_id": dataset_id}
        with self._http.stream(route.service, route.method, route.at(names)) as response:
            yield response

    def compare_datasets(self, project: str, dataset_id: str, *, against: str) -> DatasetDiff:
        """Say what changed from the dataset `against` to another."""
        names, params = {"project": project, "dataset_id": dataset_id}, {"against": against}
        return self._http.ask(e.COMPARE_DATASETS, names, params=params)


class Versions(Group):
    """`client.versions`: model versions, and which of them serves."""

    def list(self, project: str) -> Pages[Version]:
        """List the versions."""
        return Pages(self._http, e.VERSIONS, {"project": project})

    def get(self, project: str, version: str) -> Version:
        """Return a version."""
        return self._http.ask(e.GET_VERSION, {"project": project, "version": version})

    def promote(self, project: str, version: str) -> Channels:
        """Let a version serve; a refusal (`Conflict`) says in `possible` what can be done."""
        return self._http.ask(e.PROMOTE, {"project": project, "version": version})

    def approve(self, project: str, version: str, *, note: str | None = None) -> Version:
        """Let a version that passed the gate, and waits for it, serve or begin its canary."""
        names = {"project": project, "version": version}
        return self._http.ask(e.APPROVE, names, json={"note": note})

    def reject(self, project: str, version: str, *, note: str | None = None) -> Version:
        """Keep a version that waits for an approval from serving."""
        names = {"project": project, "version": version}
        return self._http.ask(e.REJECT, names, json={"note": note})

    def promotions(
        self, project: str, *, version: str | None = None, kinds: Sequence[str] = ()
    ) -> Pages[PromotionEvent]:
        """List the gate's decisions and who let which version serve, newest first."""
        params = {"version": version, "kind": builtins.list(kinds) or None}
        return Pages(self._http, e.PROMOTIONS, {"project": project}, params)

    def shadow_stages(self, project: str, *, version: str | None = None) -> Pages[ShadowStage]:
        """List versions that were compared with the champion on live traffic, newest first."""
        params = {"version": version}
        return Pages(self._http, e.SHADOW_STAGES, {"project": project}, params)

    def compare(self, project: str, first: str, second: str) -> Comparison:
        """Compare two versions on labels that neither had learned from."""
        params = {"versions": f"{first},{second}"}
        return self._http.ask(e.COMPARE, {"project": project}, params=params)

    def roll_back(self, project: str) -> Channels:
        """Let the previous champion serve again."""
        return self._http.ask(e.ROLL_BACK, {"project": project})

    def retire(self, project: str, version: str) -> Version:
        """Take a version out of all roles, for good."""
        return self._http.ask(e.RETIRE, {"project": project, "version": version})

    def start_shadow(self, project: str, version: str) -> Channels:
        """Score with a version beside the answers."""
        return self._http.ask(e.START_SHADOW, {"project": project, "version": version})

    def stop_shadow(self, project: str, version: str) -> Channels:
        """End the shadow of a version."""
        return self._http.ask(e.STOP_SHADOW, {"project": project, "version": version})

    def canary(self, project: str, version: str | None, share: float) -> Channels:
        """Give a version a share of the traffic, in [0, 1); None or 0 ends it."""
        body = {"version": version, "share": share}
        return self._http.ask(e.CANARY, {"project": project}, json=body)

    def confusion(self, project: str, version: str) -> Confusion:
        """Return which labels a version confuses, of labels that it had not learned from."""
        return self._http.ask(e.CONFUSION, {"project": project, "version": version})

    def upload(
        self, project: str, model: bytes | IO[bytes], manifest: Mapping[str, Any]
    ) -> Version:
        """Publish an ONNX model that was made elsewhere; its certification begins at once.

        `manifest` has ``inputs`` and ``outputs``, and may have ``labels`` and ``metrics``.
        """
        files = _parts(model, manifest)
        return self._http.ask(e.UPLOAD_VERSION, {"project": project}, files=files)

    def put_encoder(
        self, project: str, model: bytes | IO[bytes], manifest: Mapping[str, Any]
    ) -> Encoder:
        """Give the project an ONNX encoder of its own, on whose vectors recipe `head` learns.

        `manifest` has ``inputs``, and ``outputs`` with the name of the output ``vector``.
        """
        files = _parts(model, manifest)
        return self._http.ask(e.PUT_ENCODER, {"project": project}, files=files)

    def encoder(self, project: str) -> Encoder:
        """Return what is known of the project's own encoder; `NotFound` where it has none."""
        return self._http.ask(e.GET_ENCODER, {"project": project})

    def remove_encoder(self, project: str) -> None:
        """Remove the project's own encoder; versions that were trained on it keep serving."""
        path = e.REMOVE_ENCODER.at({"project": project})
        self._http.call(e.REMOVE_ENCODER.service, e.REMOVE_ENCODER.method, path)


def _parts(model: bytes | IO[bytes], manifest: Mapping[str, Any]) -> dict[str, Any]:
    path = getattr(model, "name", None)
    name = Path(path).name if isinstance(path, str) else "model.onnx"
    return {
        "model": (name, model, "application/octet-stream"),
        "manifest": ("manifest.json", json.dumps(manifest).encode(), "application/json"),
    }


class Decisions(Group):
    """`client.decisions`: why items were answered, or went to people."""

    def lineage(self, project: str, item_id: str) -> ItemLineage:
        """Lead from an item's answers back to version, run, snapshot, verdicts and certificate.

        `NotFound` where nothing is known of the item.
        """
        return self._http.ask(e.LINEAGE, {"project": project, "item_id": item_id})

    def similar(self, project: str, item_id: str) -> SimilarItems:
        """Return the labelled items that have most words in common with an item."""
        return self._http.ask(e.SIMILAR, {"project": project, "item_id": item_id})

    def list(
        self,
        project: str,
        *,
        item_id: str | None = None,
        version: str | None = None,
        decision: str | None = None,
        reason: str | None = None,
        since: datetime | None = None,
        until: datetime | None = None,
    ) -> Pages[Decision]:
        """List the decisions that all given filters hold for, each with an `explanation`.

        `since` (inclusive) and `until` (exclusive) are about when the router got the item.
        """
        params = {
            "item_id": item_id,
            "version": version,
            "decision": decision,
            "reason": reason,
            "since": since,
            "until": until,
        }
        return Pages(self._http, e.DECISIONS, {"project": project}, params)

    def days(
        self, project: str, *, days: int | None = None, version: str | None = None
    ) -> DecisionDays:
        """Return the decisions a day by reason, of the last `days`, and their confidences."""
        params = {"days": days, "version": version}
        return self._http.ask(e.DECISION_DAYS, {"project": project}, params=params)

    def days_of(
        self, projects: Sequence[str], *, days: int | None = None
    ) -> builtins.list[ProjectDays]:
        """Return for 1 to 100 projects how many items a day were decided and answered."""
        params = {"project": builtins.list(projects), "days": days}
        return (self._http.ask(e.DAYS_OF_PROJECTS, {}, params=params)).projects
