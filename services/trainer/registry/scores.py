"""What a published version says of items: its scores, in the dtype that routing compares."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from services.trainer.models import Version
from services.trainer.recipes.scoring import score
from services.trainer.resources import Resources
from shared.contracts.projects import Project
from shared.store import model_path, sha256


class ModelUnusable(Exception):  # noqa: N818 - named as the house names its problems
    """The store does not hold the model that the manifest speaks of."""


@dataclass(frozen=True)
class Scores:
    """Top labels of n items and their float32 scores."""

    labels: list[str]
    scores: NDArray[np.float32]


def fits_project(version: Version, project: Project) -> bool:
    """Say whether a version answers with the project's labels, from fields it still has."""
    texts = {name for name, spec in project.fields.items() if spec.type == "text"}
    fields = {entry["field"] for entry in version.manifest["inputs"]}
    return version.manifest["labels"] == project.labels and fields <= texts


async def score_items(
    resources: Resources, version: Version, rows: Sequence[Mapping[str, Any]]
) -> Scores:
    """Score the `data` of n items with a published version.

    Raises
    ------
    ModelUnusable
        The model is missing, or its digest is not the manifest's.
    """
    manifest = version.manifest
    model = await resources.store.read(model_path(version.project, version.version))
    if model is None or sha256(model) != manifest["model_sha256"]:
        raise ModelUnusable(version.version)
    probabilities = await asyncio.to_thread(score, model, manifest["inputs"], list(rows))
    tops = probabilities.argmax(axis=1)
    return Scores(
        labels=[manifest["labels"][top] for top in tops],
        scores=probabilities.max(axis=1, initial=0.0).astype(np.float32, copy=False),
    )
