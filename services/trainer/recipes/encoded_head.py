"""Recipe `head` where the project has an encoder of its own: one graph from fields to labels."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, checker, compose, helper

from services.trainer.recipes.calibration import Calibration
from services.trainer.recipes.exporting import OUTPUT, calibrated_nodes, join
from services.trainer.recipes.matrices import TOLERANCE, Model, fit_best, linear_candidates
from services.trainer.recipes.own_encoder import OwnEncoder
from services.trainer.recipes.parity import check_parity, spread
from services.trainer.recipes.recipe import (
    FittedModel,
    FloatArray,
    Progress,
    RecipeRefused,
    TrainingData,
)
from shared.fields.types import AnyField

_FEATURES, _HEAD = "/features", "surehand/"
_PARITY_ROWS = 100
_REPORTED = 256


@dataclass(frozen=True)
class EncodedPipeline:
    """The trained pipeline, which the exported graph must equal."""

    encoder: OwnEncoder
    model: Model
    calibration: Calibration

    def predict_proba(self, rows: Sequence[Mapping[str, Any]]) -> FloatArray:
        """Calibrated class probabilities, shape (n, K), in the project's label order."""
        features = self.encoder.vectors(rows).astype(np.float64)
        return self.calibration.probabilities(self.model.logits(features))

    def export(self, n_classes: int) -> tuple[bytes, str]:
        """Return the encoder's graph with the head behind it, and the name of its output."""
        encoder = onnx.load_model_from_string(self.encoder.model)
        head = self._head(encoder, n_classes)
        merged = compose.merge_models(
            encoder, head, io_map=[(self.encoder.output, _FEATURES)], prefix2=_HEAD
        )
        output = _HEAD + OUTPUT
        kept = [entry for entry in merged.graph.output if entry.name == output]
        del merged.graph.output[:]
        merged.graph.output.extend(kept)
        checker.check_model(merged)
        return bytes(merged.SerializeToString(deterministic=True)), output

    def _head(self, encoder: Any, n_classes: int) -> Any:
        nodes, constants = join(
            self.model.nodes(_FEATURES, "/logits"), calibrated_nodes("/logits", self.calibration)
        )
        graph = helper.make_graph(
            nodes,
            "head",
            [helper.make_tensor_value_info(_FEATURES, TensorProto.FLOAT, [None, None])],
            [helper.make_tensor_value_info(OUTPUT, TensorProto.FLOAT, [None, n_classes])],
            constants,
        )
        return helper.make_model(
            graph, opset_imports=list(encoder.opset_import), ir_version=encoder.ir_version
        )


@dataclass(frozen=True)
class HeadOnEncoder:
    """The recipe: a linear head on the vectors of `encoder`, whose digest the report names."""

    encoder: OwnEncoder
    sha256: str

    def learns_from(self, fields: Mapping[str, AnyField]) -> list[str]:
        """Return the fields that feed the encoder; `RecipeRefused`: the project lacks one."""
        missing = [name for name in self.encoder.names if name not in fields]
        if missing:
            raise RecipeRefused(
                f"the project's encoder reads field {missing[0]}, which the project no longer has"
            )
        return self.encoder.names

    def fit(self, data: TrainingData, *, seed: int, progress: Progress) -> FittedModel:
        """Encode the rows once, compare linear heads by cross-validation, merge, check.

        Raises
        ------
        RecipeRefused
            Too few labels, an item that the encoder cannot take, or a merged graph that does not
            answer as encoder and head do.
        """
        parts = []
        for start in range(0, len(data.rows), _REPORTED):
            parts.append(self.encoder.vectors(data.rows[start : start + _REPORTED]))
            progress(0.1 * start / len(data.rows), f"{start} of {len(data.rows)} items encoded")
        matrix = np.concatenate(parts).astype(np.float64)
        candidates = linear_candidates(0.001, 0.01, 0.1, 1.0)
        best = fit_best(data, matrix, candidates, seed=seed, progress=progress)
        pipeline = EncodedPipeline(self.encoder, best.model, best.evidence.calibration)
        onnx_file, output = pipeline.export(len(data.classes))
        inputs = [entry.model_dump(mode="json") for entry in self.encoder.inputs]
        rows = spread(data.rows, _PARITY_ROWS)
        check_parity(
            onnx_file, inputs, pipeline, rows, specs=data.specs, tolerance=TOLERANCE, output=output
        )
        report = best.report | {"encoder_sha256": self.sha256}
        return best.evidence.model(
            data, onnx=onnx_file, inputs=inputs, output=output, report=report
        )
