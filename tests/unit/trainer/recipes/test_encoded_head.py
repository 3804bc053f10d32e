"""A head on an encoder of the project's own: one graph, and clear faults of encoders."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest
from onnx import helper

from services.trainer.recipes.encoded_head import HeadOnEncoder
from services.trainer.recipes.own_encoder import MOST_WIDTH, OwnEncoder
from services.trainer.recipes.recipe import RecipeRefused, TrainingData
from shared.contracts.versions import ModelInput, ModelInterface
from shared.fields.number import NumberField
from shared.fields.text import TextField
from shared.graphs.graph import Graph
from shared.graphs.session import GraphRefused
from tests.graphs import FLOAT, INT64, STRING, an_input, bytes_of, model_of, node

FIELDS = {"text": TextField(), "price": NumberField()}
INPUTS = [an_input("text", "text", "string"), an_input("price", "price", "float32")]


def encoder(opset: int = 18, *, name: str = "vector", last: Any = None, kind: int = FLOAT) -> bytes:
    """From a word and a number to four numbers, the first two of which are the word's."""
    nodes = [
        node(
            "LabelEncoder",
            ["text"],
            ["word"],
            domain="ai.onnx.ml",
            keys_strings=["good", "bad"],
            values_floats=[1.0, -1.0],
            default_float=0.0,
        ),
        node("Concat", ["word", "price"], ["both"], axis=1),
        node("MatMul", ["both", "/weights"], ["linear"]),
        last or node("Tanh", ["linear"], [name]),
    ]
    return bytes_of(
        model_of(
            nodes,
            {"text": (STRING, [None, 1]), "price": (FLOAT, [None, 1])},
            constants={
                "/weights": np.array([[1, 2, 0, 0], [0, 0.1, 0.1, 1]], dtype=np.float32),
                "/axes": np.array([1]),
                "/times": np.array([1, MOST_WIDTH]),
            },
            output=helper.make_tensor_value_info(name, kind, None),
            opset=opset,
        )
    )


def opened(model: bytes, output: str = "vector", fields: Mapping[str, Any] = FIELDS) -> OwnEncoder:
    return OwnEncoder.open(model, INPUTS, output, fields)


def dear(row: Mapping[str, Any]) -> bool:
    return bool(row["price"] > 1)


def labelled(count: int = 120) -> TrainingData:
    chance = np.random.default_rng(1)
    rows: list[dict[str, Any]] = [
        {"text": str(chance.choice(["good", "bad", "so-so"])), "price": float(chance.normal())}
        for _ in range(count)
    ]
    labels = ["yes" if row["text"] == "good" or dear(row) else "no" for row in rows]
    return TrainingData(
        rows, labels, chance.uniform(0.5, 2, count), list(FIELDS), ["no", "yes", "never"], FIELDS
    )


@pytest.mark.parametrize(("opset", "name"), [(18, "vector"), (13, "probabilities")])
def test_the_version_is_one_graph_from_fields_to_labels(opset: int, name: str) -> None:
    data = labelled()
    own = opened(encoder(opset, name=name), name)
    assert own.tried_width() == 4
    recipe = HeadOnEncoder(own, "ab12")
    assert recipe.learns_from(FIELDS) == ["text", "price"]
    model = recipe.fit(data, seed=0, progress=lambda _share, _words: None)
    assert model.metrics["accuracy"] > 0.9
    assert model.report["encoder_sha256"] == "ab12"
    interface = ModelInterface(
        labels=data.classes,
        inputs=[ModelInput.model_validate(entry) for entry in model.inputs],
        outputs={"probabilities": model.output},
    )
    graph = Graph(model.onnx, interface, FIELDS)
    assert list(graph.outputs) == [model.output]
    answers = graph.run(data.rows)
    assert answers[:, 2].max() == 0
    right = np.array([data.classes[top] for top in answers.argmax(axis=1)]) == data.labels
    assert right.mean() > 0.9


@pytest.mark.parametrize(
    ("model", "output", "words"),
    [
        (encoder(12), "vector", "opset 12: export it in opset 13"),
        (encoder(), "hidden", "no output hidden, but vector"),
        (
            encoder(last=node("Cast", ["linear"], ["vector"], to=INT64), kind=INT64),
            "vector",
            "float32",
        ),
        (
            encoder(last=node("Unsqueeze", ["linear", "/axes"], ["vector"])),
            "vector",
            "one vector an item",
        ),
        (
            encoder(last=node("Tile", ["linear", "/times"], ["vector"])),
            "vector",
            f"at most {MOST_WIDTH} numbers",
        ),
        (encoder(last=node("Log", ["linear"], ["vector"])), "vector", "not finite"),
        (
            encoder(last=node("LpNormalization", ["linear"], ["vector"], axis=0)),
            "vector",
            "share a batch",
        ),
    ],
)
def test_an_encoder_that_cannot_be_used_is_refused(model: bytes, output: str, words: str) -> None:
    with pytest.raises(GraphRefused, match=words):
        opened(model, output).tried_width()


def test_fields_that_the_encoder_does_not_find() -> None:
    with pytest.raises(GraphRefused, match="needs field price"):
        opened(encoder(), fields={"text": TextField()})
    recipe = HeadOnEncoder(opened(encoder()), "ab12")
    with pytest.raises(RecipeRefused, match="reads field price"):
        recipe.learns_from({"text": TextField()})
