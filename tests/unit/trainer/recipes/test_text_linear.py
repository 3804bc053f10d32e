"""Recipe text-linear: what it fits, exports and refuses."""

from dataclasses import replace
from typing import Any

import numpy as np
import onnx
import pytest

from services.trainer.recipes.recipe import (
    FittedModel,
    RecipeRefused,
    TrainingData,
)
from services.trainer.recipes.text_linear import RECIPE, fit_text_linear
from shared.fields.number import NumberField
from shared.fields.text import TextField
from shared.fields.types import AnyField
from tests.unit.trainer.recipes.corpus import answers, make_data, make_texts


@pytest.fixture(scope="module")
def fitted() -> FittedModel:
    return fit_text_linear(make_data(300))


@pytest.fixture(scope="module")
def of_200_rows() -> FittedModel:
    return fit_text_linear(make_data(200))


def test_it_learns_what_the_words_say(fitted: FittedModel) -> None:
    labels = ["good", "bad"] * 100
    rows = [{"text": text} for text in make_texts(labels, seed=99, flip=0)]
    predicted = answers(fitted, rows).argmax(axis=1)
    right = [("bad", "good")[i] == label for i, label in zip(predicted, labels, strict=True)]
    assert np.mean(right) > 0.85
    assert 0.7 < fitted.metrics["accuracy"] < 0.95


def test_columns_follow_the_project_whatever_order_it_has(of_200_rows: FittedModel) -> None:
    data = make_data(200)
    turned = fit_text_linear(replace(data, classes=["good", "bad"]))
    rows = data.rows[:50]
    np.testing.assert_allclose(
        answers(of_200_rows, rows),
        answers(turned, rows)[:, ::-1],
        atol=1e-4,
    )


def test_a_label_without_examples_keeps_its_column_at_zero() -> None:
    classes = ("unseen", "bad", "other", "good", "never")
    model = fit_text_linear(make_data(240, classes=classes, used=("bad", "other", "good")))
    probabilities = answers(model, [{"text": "great box"}, {"text": ""}], classes)
    assert probabilities.shape == (2, 5)
    assert probabilities[:, [0, 4]].max() < 1e-6
    assert probabilities[:, [1, 2, 3]].min() > 1_000 * probabilities[:, [0, 4]].max()
    np.testing.assert_allclose(probabilities.sum(axis=1), 1, atol=1e-6)


def test_a_label_with_a_single_example_does_not_spoil_calibration(
    of_200_rows: FittedModel,
) -> None:
    data = make_data(200, classes=("bad", "good", "rare"))
    rare = replace(data, labels=["rare", *data.labels[1:]])
    assert fit_text_linear(rare).calibration["temperature"] == pytest.approx(
        of_200_rows.calibration["temperature"], rel=0.3
    )


def test_the_same_seed_gives_the_same_bytes_at_any_scale_of_the_weights(
    fitted: FittedModel,
) -> None:
    again = fit_text_linear(replace(make_data(300), weights=np.full(300, 1024.0)))
    assert again.onnx == fitted.onnx
    assert (again.scores == fitted.scores).all()
    other = fit_text_linear(make_data(300), seed=1)
    assert (other.scores != fitted.scores).any()


def test_out_of_fold_evidence_is_consistent(fitted: FittedModel) -> None:
    assert fitted.scores.dtype == np.float32
    assert fitted.scores.shape == fitted.correct.shape == (300,)
    assert fitted.metrics["accuracy"] == pytest.approx(fitted.correct.mean())


def test_temperature_never_worsens_the_out_of_fold_log_loss(fitted: FittedModel) -> None:
    assert fitted.metrics["log_loss"] <= fitted.metrics["log_loss_uncalibrated"]
    assert fitted.calibration["temperature"] != 1.0


def test_out_of_fold_predictions_do_not_know_their_own_row() -> None:
    rng = np.random.default_rng(0)
    texts = [{"text": f"word{i} unique{i} only{i}"} for i in range(200)]
    labels = rng.choice(["bad", "good"], 200).tolist()
    data = TrainingData(texts, labels, np.ones(200), ["text"], ["bad", "good"])
    assert abs(fit_text_linear(data).metrics["accuracy"] - 0.5) < 0.15


def test_every_field_is_an_input_of_its_own() -> None:
    data = make_data(200, fields=("text", "probabilities", "note"))
    model = fit_text_linear(data)
    assert [entry["field"] for entry in model.inputs] == ["text", "probabilities", "note"]
    assert {(entry["dtype"], *entry["shape"]) for entry in model.inputs} == {("string", -1, 1)}
    graph = onnx.load_from_string(model.onnx).graph
    assert [i.name for i in graph.input] == [entry["name"] for entry in model.inputs]
    assert [o.name for o in graph.output] == [model.output] == ["probabilities"]
    row = {"text": "superb love", "probabilities": "", "note": ""}
    good = answers(model, [row, {**row, "text": "hate terrible"}])[:, 1]
    assert good[0] > good[1] + 0.2


def test_a_field_that_is_always_empty_is_accepted() -> None:
    data = make_data(200)
    rows = [{**row, "title": "?"} for row in data.rows]
    model = fit_text_linear(replace(data, rows=rows, fields=["title", "text"]))
    assert answers(model, [{"title": "any", "text": "superb love"}])[0, 1] > 0.5


def test_weights_move_the_model(of_200_rows: FittedModel) -> None:
    data = make_data(200)
    heavy = np.where(np.array(data.labels) == "good", 20.0, 1.0)
    model = fit_text_linear(replace(data, weights=heavy))
    row = [{"text": "unknown words"}]
    assert answers(model, row)[0, 1] > answers(of_200_rows, row)[0, 1]


def test_progress_rises_to_one() -> None:
    seen: list[tuple[float, str]] = []
    fit_text_linear(make_data(100), progress=lambda share, text: seen.append((share, text)))
    shares = [share for share, _ in seen]
    assert shares == sorted(shares)
    assert shares[-1] == 1.0
    assert all(text for _, text in seen)


@pytest.mark.parametrize(
    "data",
    [
        make_data(0),
        make_data(8),
        make_data(100, used=("good",)),
        replace(make_data(100), labels=["good"] * 99 + ["bad"]),
        replace(make_data(100), rows=[{"text": "the same text"}] * 100),
        replace(make_data(40), rows=[{"text": chr(0x21 + i)} for i in range(40)]),
    ],
    ids=["none", "eight", "one label", "single example", "one text", "no words"],
)
def test_too_few_labels_are_refused_with_a_sentence(data: TrainingData) -> None:
    with pytest.raises(RecipeRefused, match="training needs"):
        fit_text_linear(data)


def test_ten_items_are_enough_to_try() -> None:
    model = fit_text_linear(make_data(10))
    assert answers(model, [{"text": "great"}]).shape == (1, 2)


def test_impossible_training_data_is_refused() -> None:
    data = make_data(10)
    changes: list[dict[str, Any]] = [
        {"labels": ["good"] * 9},
        {"labels": ["ugly"] * 10},
        {"weights": np.zeros(10)},
        {"weights": np.full(10, np.nan)},
    ]
    for bad in changes:
        with pytest.raises(ValueError, match=r"row|project|weights"):
            replace(data, **bad)


def test_it_learns_from_text_fields_alone() -> None:
    fields: dict[str, AnyField] = {"size": NumberField(), "title": TextField(), "text": TextField()}
    assert RECIPE.learns_from(fields) == ["title", "text"]
    with pytest.raises(RecipeRefused, match="needs a text field"):
        RECIPE.learns_from({"size": NumberField()})


def test_settings_are_tried_where_labels_suffice_and_the_report_says_so(
    fitted: FittedModel,
) -> None:
    assert len(fitted.report["settings"]) == 1
    data = make_data(420, classes=("bad", "good", "rare"))
    uneven = replace(data, labels=["bad" if i % 3 else "good" for i in range(420)])
    report = fit_text_linear(uneven).report
    assert len(report["settings"]) == 4
    assert sum("weighted equally" in one["name"] for one in report["settings"]) >= 1
    assert "the best of 4 settings" in report["notes"][0]
    assert any("no example of rare" in note for note in report["notes"])
