"""Score items with a published version, in the dtype that routing compares."""

import asyncio
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from services.trainer.resources import Resources
from services.trainer.tables import Version
from shared.contracts.base import from_stored
from shared.contracts.projects import Project
from shared.contracts.versions import Manifest
from shared.graphs.deadline import Aside, RunTimedOut
from shared.graphs.graph import Graph
from shared.graphs.rows import FloatArray, tops_of
from shared.graphs.session import GraphRefused
from shared.graphs.signature import interface_fault
from shared.store import model_path, sha256


class ModelUnusable(Exception):  # noqa: N818 - named as the house names its problems
    """The model cannot score: it is missing or another one, does not load, or takes too long.

    The message is a sentence for the operator.
    """


@dataclass(frozen=True)
class Scores:
    """Top labels of n items and their float32 scores.

    Where the version cannot score an item, the label is None and the score 0: the router sends
    such an item to people, whatever the threshold.
    """

    labels: list[str | None]
    scores: FloatArray


def fits_project(version: Version, project: Project) -> bool:
    """Say whether a version answers with the project's labels, from fields it still has."""
    manifest = from_stored(Manifest, version.manifest)
    return interface_fault(manifest, project.labels, project.fields) is None


async def score_items(
    resources: Resources, project: Project, version: Version, rows: Sequence[Mapping[str, Any]]
) -> Scores:
    """Score the `data` of n items with a published version that fits the project.

    Raises `ModelUnusable`: the model is missing, its digest is not the manifest's, it does not
    load, or one of its runs takes longer than `model_run_seconds`.
    """
    loaded = await load_version(resources, project, version)
    tops, scores = tops_of(await loaded.run(rows))
    labels = [loaded.manifest.labels[top] if top >= 0 else None for top in tops.tolist()]
    return Scores(labels, scores)


@dataclass(frozen=True)
class LoadedVersion:
    """A published version whose graph is loaded, and has the digest of its manifest."""

    manifest: Manifest
    graph: Graph
    run_seconds: float

    async def run(self, rows: Sequence[Mapping[str, Any]]) -> FloatArray:
        """Return class probabilities of the `data` of n items, shape (n, K), as `Graph.run_each`.

        Raises `ModelUnusable`: a run takes longer than `run_seconds`.
        """
        if not rows:
            return self.graph.run(rows)
        aside, started, parts = Aside(self.run_seconds), time.perf_counter(), list[FloatArray]()
        try:
            parts.append(await aside.run(self.graph.run_each, rows[:1]))
            self.graph.keep_within_time(time.perf_counter() - started)
            for start in range(1, len(rows), self.graph.batch):
                batch = rows[start : start + self.graph.batch]
                parts.append(await aside.run(self.graph.run_each, batch))
        except RunTimedOut as error:
            raise ModelUnusable(
                f"a run of the model of {self.manifest.version} took longer than "
                f"{self.run_seconds:g} seconds (SUREHAND_TRAINER_MODEL_RUN_SECONDS): publish a "
                "version that is quick for every item"
            ) from error
        return np.concatenate(parts)


async def load_version(resources: Resources, project: Project, version: Version) -> LoadedVersion:
    """Load a published version that fits the project; errors are those of `score_items`."""
    seconds = resources.settings.model_run_seconds
    manifest = from_stored(Manifest, version.manifest)
    model = await resources.store.read(model_path(version.project, version.version))
    if model is None or sha256(model) != manifest.model_sha256:
        raise ModelUnusable(f"the store lacks the model of {version.version}, or has another one")
    load = partial(Graph, model, manifest, project.fields, run_seconds=seconds)
    try:
        return LoadedVersion(manifest, await asyncio.to_thread(load), seconds)
    except GraphRefused as error:
        raise ModelUnusable(f"the model of {version.version} does not load: {error}") from error
