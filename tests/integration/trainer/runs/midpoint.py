"""A recipe of another kind: two labels, split halfway between their means of one number."""

from collections.abc import Mapping

import numpy as np
from onnx import TensorProto, helper, numpy_helper

from services.trainer.recipes.recipe import (
    FittedModel,
    Progress,
    Recipe,
    RecipeRefused,
    TrainingData,
)
from shared.fields.types import AnyField


class _Midpoint:
    def learns_from(self, fields: Mapping[str, AnyField]) -> list[str]:
        numbers = [name for name, spec in fields.items() if spec.type == "number"]
        if len(numbers) != 1:
            raise RecipeRefused("recipe midpoint needs one number field")
        return numbers

    def fit(self, data: TrainingData, *, seed: int, progress: Progress) -> FittedModel:
        (field,) = data.fields
        values, targets = np.array([row[field] for row in data.rows]), data.targets
        if len(set(targets)) < 2:
            raise RecipeRefused("recipe midpoint needs both labels")
        low, high = values[targets == 0].mean(), values[targets == 1].mean()
        slope, middle = 10 / (high - low), (low + high) / 2
        progress(0.5, "midpoint found")
        chance = 1 / (1 + np.exp(-slope * (values - middle)))
        return FittedModel(
            onnx=_graph(field, slope, middle),
            inputs=[{"name": field, "field": field, "dtype": "float32", "shape": [-1, 1]}],
            output="chances",
            calibration={},
            scores=np.maximum(chance, 1 - chance).astype(np.float32),
            correct=(chance > 0.5) == (targets == 1),
            metrics={"accuracy": float(((chance > 0.5) == (targets == 1)).mean())},
        )


def _graph(field: str, slope: float, middle: float) -> bytes:
    nodes = [
        helper.make_node("Sub", [field, "/middle"], ["/distance"]),
        helper.make_node("Mul", ["/distance", "/slope"], ["/logit"]),
        helper.make_node("Sigmoid", ["/logit"], ["/second"]),
        helper.make_node("Sub", ["/one", "/second"], ["/first"]),
        helper.make_node("Concat", ["/first", "/second"], ["chances"], axis=1),
    ]
    constants = {"/middle": middle, "/slope": slope, "/one": 1.0}
    graph = helper.make_graph(
        nodes,
        "midpoint",
        [helper.make_tensor_value_info(field, TensorProto.FLOAT, [None, 1])],
        [helper.make_tensor_value_info("chances", TensorProto.FLOAT, [None, 2])],
        [numpy_helper.from_array(np.asarray(v, np.float32), name) for name, v in constants.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)
    return bytes(model.SerializeToString())


RECIPE: Recipe = _Midpoint()
