"""What a published version says of items: its scores, in the dtype that routing compares."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from services.trainer.models import Version
from services.trainer.resources import Resources
from shared.contracts.projects import Project
from shared.contracts.versions import Manifest
from shared.graphs.graph import Graph
from shared.graphs.rows import FloatArray, tops_of
from shared.graphs.session import GraphRefused
from shared.graphs.signature import interface_fault
from shared.store import model_path, sha256


class ModelUnusable(Exception):  # noqa: N818 - named as the house names its problems
    """The store does not hold the model that the manifest speaks of, or it does not load."""


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
    manifest = Manifest.model_validate(version.manifest)
    return interface_fault(manifest, project.labels, project.fields) is None


async def score_items(
    resources: Resources, project: Project, version: Version, rows: Sequence[Mapping[str, Any]]
) -> Scores:
    """Score the `data` of n items with a published version that fits the project.

    Raises
    ------
    ModelUnusable
        The model is missing, its digest is not the manifest's, or it does not load.
    """
    manifest = Manifest.model_validate(version.manifest)
    model = await resources.store.read(model_path(version.project, version.version))
    if model is None or sha256(model) != manifest.model_sha256:
        raise ModelUnusable(version.version)
    try:
        return await asyncio.to_thread(_scored, model, manifest, project, rows)
    except GraphRefused as error:
        raise ModelUnusable(f"{version.version}: {error}") from error


def _scored(
    model: bytes, manifest: Manifest, project: Project, rows: Sequence[Mapping[str, Any]]
) -> Scores:
    tops, scores = tops_of(Graph(model, manifest, project.fields).run_each(rows))
    labels = [manifest.labels[top] if top >= 0 else None for top in tops.tolist()]
    return Scores(labels, scores)
