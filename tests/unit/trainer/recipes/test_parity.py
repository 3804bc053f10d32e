"""The exported graph answers as the trained pipeline does, and a broken one is refused."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import onnx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from onnx import numpy_helper

from services.trainer.recipes.calibration import Calibration
from services.trainer.recipes.features import TextLinearPipeline, fit_head, fit_terms
from services.trainer.recipes.graph import export_onnx, graph_inputs
from services.trainer.recipes.parity import NASTY_TEXTS, check_parity, nasty_rows
from services.trainer.recipes.recipe import FloatArray, RecipeRefused
from services.trainer.recipes.tokens import fold_case, parts, terms
from tests.unit.trainer.recipes.corpus import make_data, make_texts

FIELDS = ("title", "body")
# Characters that no Unicode version of the last years disagrees about.
assigned = st.characters(exclude_categories=("Cs", "Cn", "Co"), exclude_characters="\0")
texts = st.text(assigned, max_size=80)


TEMPERATURE = Calibration.of_temperature(1.3, 3)
VECTOR = Calibration("vector", np.array([0.4, 2.5, 1.0]), np.array([0.8, -0.8, 0.0]))


def fit_pipeline(calibration: Calibration = TEMPERATURE) -> TextLinearPipeline:
    data = make_data(300, fields=FIELDS, classes=("bad", "good", "absent"))
    terms, counts = fit_terms(data.rows, FIELDS)
    head = fit_head(counts, data.targets, data.weights, 3)
    return TextLinearPipeline(list(FIELDS), terms, head, calibration)


PIPELINE = fit_pipeline()
GRAPH = export_onnx(PIPELINE)
INPUTS = graph_inputs(FIELDS)


def test_nasty_texts_agree_to_float32() -> None:
    assert check_parity(GRAPH, INPUTS, PIPELINE, nasty_rows(FIELDS)) < 2e-6


def test_factors_and_biases_of_each_label_are_in_the_graph() -> None:
    pipeline = fit_pipeline(VECTOR)
    rows = [*nasty_rows(FIELDS), *make_data(100, fields=FIELDS).rows]
    assert check_parity(export_onnx(pipeline), INPUTS, pipeline, rows) < 4e-6
    with pytest.raises(RecipeRefused, match="differs from the trained pipeline"):
        check_parity(GRAPH, INPUTS, pipeline, rows)


def test_ordinary_texts_agree_to_float32() -> None:
    bodies = make_texts(["good", "bad"] * 200, seed=5)
    rows = [{"title": body[:20], "body": body} for body in bodies]
    assert check_parity(GRAPH, INPUTS, PIPELINE, rows) < 2e-6


@pytest.mark.thorough
@settings(max_examples=60)
@given(rows=st.lists(st.fixed_dictionaries({"title": texts, "body": texts}), min_size=1))
def test_any_text_agrees(rows: list[dict[str, str]]) -> None:
    check_parity(GRAPH, INPUTS, PIPELINE, rows)


@pytest.mark.thorough
@settings(max_examples=60)
@given(words=st.lists(st.sampled_from([*NASTY_TEXTS[:16], *PIPELINE.terms[2].names])))
def test_any_mixture_of_known_words_and_oddities_agrees(words: list[str]) -> None:
    rows = [{"title": "", "body": glue.join(words)} for glue in (" ", "\n", "-", "")]
    check_parity(GRAPH, INPUTS, PIPELINE, rows)


def test_every_letter_is_folded_as_in_the_graph() -> None:
    letters = "".join(chr(c) for c in range(0x20, 0x3000) if chr(c).isalpha())
    rows = [{"text": letter + letter} for letter in fold_case(letters)]
    known, counts = fit_terms([*rows, *rows], ["text"])
    assert terms("\u0130\u0130 \u03a3\u03a3") == ["ii", "\u03c3\u03c3", "ii \u03c3\u03c3"]
    targets = np.arange(2 * len(rows)) % 2
    head = fit_head(counts, targets, np.ones(len(targets)), 2)
    pipeline = TextLinearPipeline(["text"], known, head, Calibration.of_temperature(1.0, 2))
    rows = [{"text": letter + letter + " ab"} for letter in letters]
    check_parity(export_onnx(pipeline), graph_inputs(["text"]), pipeline, rows)


@given(texts)
@settings(max_examples=200)
def test_parts_of_words_are_neighbours_without_white_space_inside(text: str) -> None:
    padded = f" {fold_case(text)} "
    every = [padded[i : i + n] for n in range(2, 6) for i in range(len(padded) - n + 1)]
    wanted = [part for part in every if not any(letter.isspace() for letter in part[1:-1])]
    assert sorted(parts(text)) == sorted(wanted)


def altered(name: str, change: Any) -> bytes:
    """The graph with one constant changed."""
    model = onnx.load_from_string(GRAPH)
    for constant in model.graph.initializer:
        if constant.name == name:
            value = change(numpy_helper.to_array(constant).copy())
            constant.CopyFrom(numpy_helper.from_array(value, name))
            return bytes(model.SerializeToString())
    raise LookupError(name)


@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("/bias", lambda bias: bias + np.array([0.001, 0, 0], dtype=np.float32)),
        ("/bias", lambda bias: bias * np.float32("nan")),
        ("/1/words/table", lambda table: table[:, [1, 0, 2, 3]].copy()),
        ("/1/characters/table", lambda table: np.roll(table, 1, axis=0)),
        ("/0/characters/table", lambda table: table * np.array([1, 1, 1, 2], dtype=np.float32)),
        ("/scale", np.ones_like),
    ],
    ids=["bias", "nan", "labels swapped", "terms shifted", "length", "calibration"],
)
def test_a_broken_graph_is_refused(name: str, change: Any) -> None:
    with pytest.raises(RecipeRefused, match="differs from the trained pipeline"):
        check_parity(altered(name, change), INPUTS, PIPELINE, make_data(50, fields=FIELDS).rows)


class Fixed:
    """A reference with given probabilities."""

    def __init__(self, probabilities: FloatArray) -> None:
        self._probabilities = probabilities

    def predict_proba(self, rows: Sequence[Mapping[str, str]]) -> FloatArray:
        return self._probabilities


def test_another_label_is_refused_where_the_probabilities_pass() -> None:
    row = [{"title": "", "body": ""}]
    actual = PIPELINE.predict_proba(row)
    swapped = Fixed(actual[:, [1, 0, 2]])
    gap = float(np.abs(actual[0, 0] - actual[0, 1]))
    with pytest.raises(RecipeRefused, match="another label"):
        check_parity(GRAPH, INPUTS, swapped, row, tolerance=gap * 1.01)


def test_a_tie_may_fall_either_way() -> None:
    row = [{"title": "", "body": ""}]
    middle = PIPELINE.predict_proba(row)[0, :2].mean()
    tied = Fixed(np.array([[middle + 5e-7, middle - 5e-7, 0]]))
    turned = Fixed(np.array([[middle - 5e-7, middle + 5e-7, 0]]))
    for reference in (tied, turned):
        check_parity(GRAPH, INPUTS, reference, row, tolerance=0.5)


def test_another_number_of_labels_is_refused() -> None:
    row = [{"title": "", "body": ""}]
    with pytest.raises(RecipeRefused, match="3 columns"):
        check_parity(GRAPH, INPUTS, Fixed(np.full((1, 2), 0.5)), row)
