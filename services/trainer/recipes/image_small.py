"""Recipe `image-small`: pictures as pixels, small features of them, and a linear head.

For pictures that can be told apart at 32 by 32 pixels: digits, icons, textures, products on a plain
background. For other pictures, make vectors with an encoder and train recipe `head` on them.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from onnx import helper

from services.trainer.recipes.exporting import input_name, input_of, join
from services.trainer.recipes.matrices import fit_on_features, linear_candidates
from services.trainer.recipes.parity import spread
from services.trainer.recipes.pixels import SHAPE, Filters, pixels_of
from services.trainer.recipes.recipe import (
    FittedModel,
    FloatArray,
    Progress,
    Recipe,
    RecipeOfTypes,
    TrainingData,
    silent,
)
from shared.fields.image import ImageField

_PARITY_ROWS = 200


@dataclass(frozen=True)
class PictureFeatures:
    """Responses to the filters of each field, side by side."""

    filters: dict[str, Filters]

    def matrix(self, rows: Sequence[Mapping[str, Any]]) -> FloatArray:
        """Return the features of the rows' pictures."""
        return np.hstack(
            [one.features(pixels_of(rows, name)) for name, one in self.filters.items()]
        )

    def inputs(self) -> list[dict[str, Any]]:
        """Return the manifest's inputs, one a field."""
        return [input_of(name, "float32", SHAPE) for name in self.filters]

    def nodes(self, output: str) -> tuple[list[Any], list[Any]]:
        """Return the graph's nodes and constants from the pictures to the matrix."""
        parts = [
            one.nodes(f"/field/{i}/", input_name(name), f"/field/{i}/features")
            for i, (name, one) in enumerate(self.filters.items())
        ]
        outputs = [f"/field/{i}/features" for i in range(len(parts))]
        return join(*parts, ([helper.make_node("Concat", outputs, [output], axis=1)], []))


def fit_image_small(
    data: TrainingData, *, seed: int = 0, progress: Progress = silent
) -> FittedModel:
    """Fit filters without labels and a linear head with them, export and check.

    Raises
    ------
    RecipeRefused
        Too few labels (`assign_folds`), a picture that cannot be decoded or is stored elsewhere, or
        a graph that does not answer as the pipeline does.
    """
    filters, features = {}, []
    for name in data.fields:
        pixels = pixels_of(data.rows, name)
        progress(0.02, f"{len(pixels)} pictures of field {name} decoded")
        filters[name] = Filters.of(pixels, seed)
        features.append(filters[name].features(pixels))
    progress(0.1, "features of pictures made")
    return fit_on_features(
        "image-small",
        data,
        PictureFeatures(filters),
        np.hstack(features),
        linear_candidates(0.001, 0.01, 0.1),
        checked=spread(data.rows, _PARITY_ROWS),
        seed=seed,
        progress=progress,
    )


RECIPE: Recipe = RecipeOfTypes("image-small", (ImageField,), fit_image_small)
