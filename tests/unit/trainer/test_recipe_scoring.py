"""Scoring many rows through ONNX Runtime."""

from pathlib import Path

import numpy as np
import pytest

from services.trainer.recipes.scoring import score
from services.trainer.recipes.text_linear import FittedModel, fit_text_linear
from tests.unit.trainer.corpus import make_data

DATA = make_data(150)


@pytest.fixture(scope="module")
def fitted() -> FittedModel:
    return fit_text_linear(DATA)


@pytest.mark.parametrize("batch_size", [1, 7, 150, 1000])
def test_batches_change_nothing(fitted: FittedModel, batch_size: int) -> None:
    whole = score(fitted.onnx, fitted.inputs, DATA.texts)
    parts = score(fitted.onnx, fitted.inputs, DATA.texts, batch_size=batch_size)
    assert parts.dtype == np.float32
    assert parts.shape == (150, 2)
    np.testing.assert_allclose(parts, whole, atol=1e-6)


def test_a_file_scores_as_its_bytes_do(fitted: FittedModel, tmp_path: Path) -> None:
    path = tmp_path / "model.onnx"
    path.write_bytes(fitted.onnx)
    expected = score(fitted.onnx, fitted.inputs, DATA.texts)
    assert (score(path, fitted.inputs, DATA.texts) == expected).all()
    assert (score(str(path), fitted.inputs, DATA.texts, threads=2) == expected).all()


def test_no_rows_give_no_rows(fitted: FittedModel) -> None:
    assert score(fitted.onnx, fitted.inputs, []).shape == (0, 2)


def test_a_missing_field_is_an_error(fitted: FittedModel) -> None:
    with pytest.raises(KeyError, match="text"):
        score(fitted.onnx, fitted.inputs, [{"other": "great"}])
