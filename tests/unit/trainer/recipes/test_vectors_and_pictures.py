"""Recipes head and image-small: linear heads on vectors and pictures, exported exactly."""

import base64
import io
from typing import Any

import numpy as np
import pytest
from PIL import Image

from services.trainer.recipes import head, image_small
from services.trainer.recipes.head import fit_head_on_vectors
from services.trainer.recipes.image_small import fit_image_small
from services.trainer.recipes.recipe import FittedModel, RecipeRefused, TrainingData
from shared.contracts.versions import ModelInput, ModelInterface
from shared.fields.image import ImageField
from shared.fields.text import TextField
from shared.fields.vector import VectorField
from shared.graphs.graph import Graph

LABELS = ("flat", "upright")


def picture(label: str, chance: np.random.Generator) -> str:
    """Stripes that lie or stand, in noise, of some size and colour."""
    height, width = chance.integers(24, 60, size=2)
    wave = np.sin(np.arange(height if label == "flat" else width) * 0.9 + chance.random() * 6)
    stripes = wave[:, None] if label == "flat" else wave[None, :]
    tone = (
        128 + 60 * stripes[..., None] * chance.random(3) + chance.normal(0, 25, (height, width, 3))
    )
    file = io.BytesIO()
    kind = "PNG" if chance.random() < 0.5 else "JPEG"
    Image.fromarray(tone.clip(0, 255).astype(np.uint8)).save(file, kind)
    return base64.b64encode(file.getvalue()).decode()


def answers(model: FittedModel, data: TrainingData, rows: list[dict[str, Any]]) -> Any:
    interface = ModelInterface(
        labels=data.classes,
        inputs=[ModelInput.model_validate(entry) for entry in model.inputs],
        outputs={"probabilities": model.output},
    )
    return Graph(model.onnx, interface, data.specs).run(rows)


def test_a_head_learns_from_two_vectors_and_the_graph_answers_alike() -> None:
    chance = np.random.default_rng(0)
    labels = ["a" if chance.random() < 0.3 else "b" for _ in range(150)]
    rows = [
        {
            "text": (chance.normal(size=6) + (label == "a")).tolist(),
            "probabilities": (1e4 + chance.normal(size=3) + (label == "a")).tolist(),
        }
        for label in labels
    ]
    specs = {"text": VectorField(length=6), "probabilities": VectorField(length=3)}
    data = TrainingData(rows, labels, np.ones(150), list(specs), ["a", "b", "none"], specs)
    model = fit_head_on_vectors(data)
    assert model.metrics["accuracy"] > 0.85
    probabilities = answers(model, data, rows)
    assert (probabilities.argmax(axis=1) == data.targets).mean() > 0.85
    assert probabilities[:, 2].max() < 1e-6
    rows[0]["text"][0] = 1e300
    with pytest.raises(RecipeRefused, match="too large"):
        fit_head_on_vectors(data)


def test_pictures_are_told_apart_and_the_graph_answers_alike() -> None:
    chance = np.random.default_rng(0)
    labels = [LABELS[i % 2] for i in range(60)]
    rows = [{"photo": picture(label, chance)} for label in labels]
    specs = {"photo": ImageField()}
    data = TrainingData(rows, labels, np.ones(60), ["photo"], list(LABELS), specs)
    model = fit_image_small(data)
    fresh = [LABELS[i % 2] for i in range(40)]
    probabilities = answers(model, data, [{"photo": picture(one, chance)} for one in fresh])
    right = [LABELS[i] == one for i, one in zip(probabilities.argmax(axis=1), fresh, strict=True)]
    assert np.mean(right) > 0.9


@pytest.mark.parametrize(
    ("value", "reason"),
    [("https://pictures.test/1.png", "not fetched"), ("bm90IGEgcGljdHVyZQ==", "must be a PNG")],
)
def test_pictures_that_cannot_be_read_are_refused(value: str, reason: str) -> None:
    specs = {"photo": ImageField()}
    data = TrainingData([{"photo": value}], ["flat"], np.ones(1), ["photo"], list(LABELS), specs)
    with pytest.raises(RecipeRefused, match=reason):
        fit_image_small(data)


def test_what_they_learn_from() -> None:
    fields = {"a": VectorField(length=2), "b": ImageField(), "c": TextField()}
    assert head.RECIPE.learns_from(fields) == ["a"]
    assert image_small.RECIPE.learns_from(fields) == ["b"]
    for recipe in (head.RECIPE, image_small.RECIPE):
        with pytest.raises(RecipeRefused, match="the project has none"):
            recipe.learns_from({"c": TextField()})
