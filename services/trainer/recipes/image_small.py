"""Recipe `image-small`: pictures as pixels, small features of them, and a linear head.

For pictures that can be told apart at 32 by 32 pixels: digits, icons, textures, products on a plain
background. For other pictures, make vectors with an encoder and train recipe `head` on them.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from onnx import helper
from scipy.special import softmax

from services.trainer.recipes.calibration import Calibration
from services.trainer.recipes.exporting import (
    OUTPUT,
    calibrated_nodes,
    input_name,
    join,
    serialise,
)
from services.trainer.recipes.matrices import TOLERANCE, Model, fit_best, linear_candidates
from services.trainer.recipes.parity import check_parity
from services.trainer.recipes.pixels import SHAPE, Filters, pixels_of
from services.trainer.recipes.recipe import (
    FittedModel,
    FloatArray,
    Progress,
    Recipe,
    TrainingData,
    fields_of_type,
)
from shared.fields.image import ImageField
from shared.fields.types import AnyField

_FEATURES = "/features"
_PARITY_ROWS = 200


@dataclass(frozen=True)
class ImagePipeline:
    """The trained pipeline, which the exported graph must equal: the filters of each field."""

    filters: dict[str, Filters]
    model: Model
    calibration: Calibration

    def predict_proba(self, rows: Sequence[Mapping[str, Any]]) -> FloatArray:
        """Calibrated class probabilities, shape (n, K), in the project's label order."""
        features = [one.features(pixels_of(rows, name)) for name, one in self.filters.items()]
        logits = self.calibration.apply(self.model.logits(np.hstack(features)))
        return np.asarray(softmax(logits, axis=1), dtype=np.float64)

    def export(self, n_classes: int) -> tuple[bytes, list[dict[str, Any]]]:
        """Return the graph, and the manifest's inputs."""
        inputs: list[dict[str, Any]] = [
            {"name": input_name(name), "field": name, "dtype": "float32", "shape": SHAPE}
            for name in self.filters
        ]
        parts = [
            one.nodes(f"/field/{i}/", input_name(name), f"/field/{i}/features")
            for i, (name, one) in enumerate(self.filters.items())
        ]
        outputs = [f"/field/{i}/features" for i in range(len(parts))]
        nodes, constants = join(
            *parts,
            ([helper.make_node("Concat", outputs, [_FEATURES], axis=1)], []),
            self.model.nodes(_FEATURES, "/logits"),
            calibrated_nodes("/logits", self.calibration),
        )
        return serialise("image-small", nodes, constants, inputs, n_classes), inputs


def fit_image_small(
    data: TrainingData,
    *,
    seed: int = 0,
    progress: Progress = lambda _share, _message: None,
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
    matrix = np.hstack(features)
    candidates = linear_candidates(0.001, 0.01, 0.1)
    best = fit_best(data, matrix, candidates, seed=seed, progress=progress)
    pipeline = ImagePipeline(filters, best.model, best.evidence.calibration)
    onnx, inputs = pipeline.export(len(data.classes))
    checked = data.rows[:: -(-len(data.rows) // _PARITY_ROWS)]
    check_parity(onnx, inputs, pipeline, checked, specs=data.specs, tolerance=TOLERANCE)
    return best.evidence.model(data, onnx=onnx, inputs=inputs, output=OUTPUT, report=best.report)


class _ImageSmall:
    def learns_from(self, fields: Mapping[str, AnyField]) -> list[str]:
        return fields_of_type(fields, ImageField, "image-small")

    def fit(self, data: TrainingData, *, seed: int, progress: Progress) -> FittedModel:
        return fit_image_small(data, seed=seed, progress=progress)


RECIPE: Recipe = _ImageSmall()
