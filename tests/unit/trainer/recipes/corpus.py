"""A small made-up corpus: sentences of a few hundred words whose class shows, with noise."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from services.trainer.recipes.recipe import FittedModel, TrainingData
from shared.contracts.versions import ModelInput, ModelInterface
from shared.fields.text import TextField
from shared.graphs.graph import Graph

_GOOD = ["love", "great", "superb", "happy", "wonderful", "Brilliant", "naïve café", "délicieux"]
_GOOD += ["Привет", "素晴らしい"]
_BAD = ["hate", "awful", "terrible", "sad", "broken", "Refund", "horrible", "ärgerlich", "плохо"]
_BAD += ["ひどい", "\u0130stanbul"]
_FILLER = ["the", "a", "of", "item", "order", "it", "was", "is", "and", "then", "shipping", "box"]
_FILLER += ["colour", "😀", "№5", "e\u0301clair", "x²", "ok"]


def make_texts(labels: list[str], *, seed: int = 0, flip: float = 0.15) -> list[str]:
    """One text a label ("good", "bad" or anything else, which shows no sign)."""
    rng = np.random.default_rng(seed)
    signs = {"good": _GOOD, "bad": _BAD}
    other = {"good": "bad", "bad": "good"}
    texts = []
    for label in labels:
        shown = other.get(label, label) if rng.random() < flip else label
        signed = rng.choice(signs.get(shown, _FILLER), rng.integers(1, 4)).tolist()
        words = rng.choice(_FILLER, rng.integers(2, 12)).tolist() + signed
        texts.append(" ".join(words[i] for i in rng.permutation(len(words))))
    return texts


def make_data(
    n: int = 200,
    *,
    seed: int = 0,
    classes: tuple[str, ...] = ("bad", "good"),
    used: tuple[str, ...] = ("bad", "good"),
    fields: tuple[str, ...] = ("text",),
) -> TrainingData:
    """n rows whose labels take turns among `used`; all fields but the first hold filler."""
    labels = [used[i % len(used)] for i in range(n)]
    columns = [make_texts(labels, seed=seed)]
    columns += [make_texts(["none"] * n, seed=seed + i) for i in range(1, len(fields))]
    rows = [dict(zip(fields, texts, strict=True)) for texts in zip(*columns, strict=True)]
    return TrainingData(rows, labels, np.ones(n), list(fields), list(classes))


def answers(
    model: FittedModel, rows: Sequence[Mapping[str, Any]], classes: Sequence[str] = ("bad", "good")
) -> NDArray[np.float32]:
    """The fitted graph's probabilities, shape (n, K)."""
    interface = ModelInterface(
        labels=list(classes),
        inputs=[ModelInput.model_validate(entry) for entry in model.inputs],
        outputs={"probabilities": model.output},
    )
    texts = {entry["field"]: TextField() for entry in model.inputs}
    return Graph(model.onnx, interface, texts).run(rows)
