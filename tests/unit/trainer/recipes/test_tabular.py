"""Recipe tabular: numbers and categories, missing and new ones; the graph equals the model."""

from typing import Any

import numpy as np
import pytest

from services.trainer.recipes.boosting import fit_boosting
from services.trainer.recipes.calibration import Calibration
from services.trainer.recipes.columns import MOST_VALUES, Columns
from services.trainer.recipes.linear import fit_linear
from services.trainer.recipes.matrices import FitModel, Pipeline
from services.trainer.recipes.parity import check_parity
from services.trainer.recipes.recipe import FittedModel, RecipeRefused, TrainingData
from services.trainer.recipes.tabular import RECIPE, fit_tabular
from shared.contracts.versions import ModelInput, ModelInterface
from shared.fields.category import CategoryField
from shared.fields.number import NumberField
from shared.fields.spec import FieldSpec
from shared.fields.text import TextField
from shared.graphs.graph import Graph

SINGLE = "nothing can check a model of it, so it is never predicted, and never answered"
SPECS: dict[str, FieldSpec] = {
    "size": NumberField(optional=True),
    "year": NumberField(),
    "colour": CategoryField(values=["red", "green", "blue", "never"], optional=True),
    "number": CategoryField(values=["1", "2"]),
}


def make_rows(n: int, *, seed: int = 0, missing: float = 0.1) -> list[dict[str, Any]]:
    chance = np.random.default_rng(seed)
    return [
        {
            "size": None if chance.random() < missing else float(chance.normal()),
            "year": float(chance.integers(1990, 2030)),
            "colour": None if chance.random() < missing else str(chance.choice(["red", "green"])),
            "number": str(chance.choice(["1", "2"])),
        }
        for _ in range(n)
    ]


def answer(row: dict[str, Any]) -> str:
    """No linear model can tell: the colour turns the sign of the size."""
    return "up" if ((row["size"] or 0) > 0) == (row["colour"] == "red") else "down"


def make_data(n: int, *, seed: int = 0, missing: float = 0.1) -> TrainingData:
    rows = make_rows(n, seed=seed, missing=missing)
    labels = [answer(row) for row in rows]
    return TrainingData(rows, labels, np.ones(n), list(SPECS), ["down", "up", "absent"], SPECS)


def answers(model: FittedModel, rows: list[dict[str, Any]], labels: list[str]) -> Any:
    interface = ModelInterface(
        labels=labels,
        inputs=[ModelInput.model_validate(entry) for entry in model.inputs],
        outputs={"probabilities": model.output},
    )
    return Graph(model.onnx, interface, SPECS).run(rows)


@pytest.fixture(scope="module")
def model() -> FittedModel:
    return fit_tabular(make_data(260))


def test_trees_are_chosen_where_no_line_divides_and_the_graph_answers_alike(
    model: FittedModel,
) -> None:
    data = make_data(260)
    assert model.report["notes"][0].startswith("trees")
    rows = make_rows(200, seed=1, missing=0)
    probabilities = answers(model, rows, data.classes)
    right = [
        data.classes[i] == answer(row) for i, row in zip(probabilities.argmax(1), rows, strict=True)
    ]
    assert np.mean(right) > 0.9
    assert probabilities[:, 2].max() < 1e-6
    assert model.metrics["accuracy"] > 0.8


def test_values_that_are_missing_or_new_are_answered(model: FittedModel) -> None:
    data = make_data(260)
    row = make_rows(1, missing=0)[0]
    odd = [
        row | {"size": None},
        {name: value for name, value in row.items() if name != "size"},
        row | {"colour": "never"},
        row | {"colour": None},
        row | {"colour": ""},
        row | {"size": 1e30},
    ]
    probabilities = answers(model, odd, data.classes)
    np.testing.assert_allclose(probabilities.sum(axis=1), 1, atol=1e-5)
    np.testing.assert_array_equal(probabilities[0], probabilities[1])
    np.testing.assert_array_equal(probabilities[2], probabilities[3])
    np.testing.assert_array_equal(probabilities[3], probabilities[4])


@pytest.mark.parametrize(
    "fit",
    [
        lambda *given: fit_linear(*given, strength=1.0),
        lambda *given: fit_linear(*given, strength=10.0, balance=1.0),
        lambda *given: fit_boosting(*given, rounds=30, rate=0.1, leaves=8, seed=0),
    ],
)
@pytest.mark.parametrize("labels", [("a", "b"), ("a", "b", "c")])
@pytest.mark.parametrize("missing", [0.0, 0.3])
def test_each_model_is_exported_exactly(
    fit: FitModel, labels: tuple[str, ...], missing: float
) -> None:
    rows = make_rows(200, missing=missing)
    chance = np.random.default_rng(2)
    # Labels that follow the size only in part, and thresholds that lie on values.
    for row in rows:
        row["size"] = None if row["size"] is None else round(row["size"], 1)
    targets = np.array([(int(row["year"]) + chance.integers(2)) % len(labels) for row in rows])
    columns = Columns.of(rows, list(SPECS), SPECS)
    model = fit(columns.matrix(rows), targets, np.ones(200), len(labels) + 1)
    shape = len(labels) + 1
    pipeline = Pipeline(columns, model, Calibration.of_temperature(1.4, shape))
    onnx, inputs = pipeline.export("tabular", shape), columns.inputs()
    unseen = make_rows(300, seed=3, missing=0.5)
    for row in unseen[::7]:
        row["colour"] = "never"
    assert check_parity(onnx, inputs, pipeline, rows + unseen, specs=SPECS, tolerance=2e-5) >= 0


def test_rare_values_of_a_long_category_count_as_unknown() -> None:
    values = [f"v{i}" for i in range(MOST_VALUES + 50)]
    specs: dict[str, FieldSpec] = {"code": CategoryField(values=values)}
    rows = [{"code": value} for value in values] + [{"code": value} for value in values[50:]]
    columns = Columns.of(rows, ["code"], specs)
    assert columns.categories["code"] == values[50:]
    assert columns.matrix([{"code": "v0"}]).sum() == 0


def test_what_it_learns_from() -> None:
    assert RECIPE.learns_from({"text": TextField(), **SPECS}) == list(SPECS)
    with pytest.raises(RecipeRefused, match="needs a number or category field"):
        RECIPE.learns_from({"text": TextField()})


def test_a_number_that_float32_cannot_hold_is_refused() -> None:
    data = make_data(60)
    data.rows[0]["size"] = 1e300
    with pytest.raises(RecipeRefused, match="too large"):
        fit_tabular(data)


@pytest.mark.thorough
def test_the_same_seed_gives_the_same_bytes() -> None:
    assert fit_tabular(make_data(80)).onnx == fit_tabular(make_data(80)).onnx


def test_labels_with_few_examples_are_noted_and_one_alone_is_never_predicted() -> None:
    data = make_data(100)
    labels = ["absent", "few", "few", *data.labels[3:]]
    rare = TrainingData(
        data.rows, labels, data.weights, data.fields, ["down", "up", "absent", "few", "none"], SPECS
    )
    model = fit_tabular(rare)
    assert model.report["notes"][1:] == [
        "no example of none: never predicted, so never answered",
        f"a single example of absent: {SINGLE}",
        "fewer examples than the 5 folds of few: predicted from few examples",
    ]
    probabilities = answers(model, data.rows, rare.classes)
    assert probabilities[:, [2, 4]].max() < 1e-6
    assert not model.correct[0]
