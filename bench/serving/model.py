"""The model that every server serves: weights of words and pairs, logistic regression, one graph.

Built by the recipe's own parts, on made-up texts: string [n, 1] in, `probabilities` [n, 2] out.
"""

import functools
import random
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from threadpoolctl import threadpool_limits

from bench.serving.texts import make_texts, vocabulary
from services.trainer.recipes.calibration import Calibration
from services.trainer.recipes.exporting import OUTPUT
from services.trainer.recipes.features import TextLinearPipeline, fit_head, fit_terms
from services.trainer.recipes.graph import export_onnx, graph_inputs
from services.trainer.recipes.parity import check_parity

FIELD = "text"
LABELS = ["negative", "positive"]
# Scoring takes most of a request with the common model, and little of it with the small one.
TERMS, SMALL_TERMS = 20_000, 500
_TEXTS, _SEED = 6_000, 7
_CHECKED = 200
# A softer head than the recipe fits to these separable texts: confidences spread over (0.5, 1).
_TEMPERATURE = 2.0


@dataclass(frozen=True)
class Model:
    """The graph, the manifest's words about it, and the confidence that half of texts exceed."""

    onnx: bytes
    inputs: list[dict[str, Any]]
    output: str
    median_confidence: float


@functools.cache
def build_model(terms_kept: int = TERMS) -> Model:
    """Fit, export and check a graph of so many terms; the same bytes every time."""
    texts = make_texts(_TEXTS, seed=_SEED)
    targets = _targets(texts)
    rows = [{FIELD: text} for text in texts]
    terms, counts = fit_terms(rows, [FIELD], kinds=["words"], most=terms_kept)
    with threadpool_limits(limits=1):
        head = fit_head(counts, targets, np.ones(len(texts)), len(LABELS))
    calibration = Calibration.of_temperature(_TEMPERATURE, len(LABELS))
    pipeline = TextLinearPipeline([FIELD], terms, head, calibration)
    model, inputs = export_onnx(pipeline), graph_inputs([FIELD])
    fresh = [{FIELD: text} for text in make_texts(_CHECKED, seed=_SEED + 1)]
    check_parity(model, inputs, pipeline, fresh)
    median = float(np.median(pipeline.predict_proba(fresh).max(axis=1)))
    return Model(model, inputs, OUTPUT, median)


def write_model(model: Model, folder: Path) -> Path:
    """Put the graph where every server reads it."""
    path = folder / "model.onnx"
    path.write_bytes(model.onnx)
    return path


def _targets(texts: list[str]) -> "np.ndarray[Any, np.dtype[np.int64]]":
    """A label a text: the sign of its words' polarities, with noise."""
    rng = random.Random(_SEED)
    polarity = {word: rng.gauss(0, 1) for word in vocabulary()}
    sums = [sum(polarity.get(word, 0.0) for word in text.split()) for text in texts]
    return np.array([int(total + rng.gauss(0, 1) > 0) for total in sums], dtype=np.int64)
