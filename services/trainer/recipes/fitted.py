"""What a recipe takes and gives: training data in, a fitted model with its own evidence out."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]
Float32Array = NDArray[np.float32]
IntArray = NDArray[np.int64]
BoolArray = NDArray[np.bool_]


class TooFewLabels(ValueError):  # noqa: N818 - named as the house names its problems
    """The labels at hand cannot train and cross-fit a model; the message says what is missing."""


class ParityError(ValueError):
    """The exported graph does not give the trained pipeline's answers: it must not be published."""


@dataclass(frozen=True)
class TrainingData:
    """Labelled rows of one project, in a fixed order.

    Attributes
    ----------
    texts : n rows
        Field name to text; every row has every field of `fields`.
    labels : n names
        Each one of `classes`.
    weights : shape (n,), finite and above 0
        1 / propensity of each row's being labelled; only ratios matter.
    fields
        Text fields in the project's order.
    classes
        The project's labels in the project's order, also those without an example.

    Raises
    ------
    ValueError
        Unequal lengths, a label outside `classes`, or a weight that is not above 0.
    """

    texts: list[dict[str, str]]
    labels: list[str]
    weights: FloatArray
    fields: list[str]
    classes: list[str]

    def __post_init__(self) -> None:
        if not len(self.texts) == len(self.labels) == len(self.weights):
            raise ValueError("texts, labels and weights must have one entry a row")
        if unknown := set(self.labels) - set(self.classes):
            raise ValueError(f"labels outside the project: {sorted(unknown)}")
        if not (np.isfinite(self.weights).all() and (np.asarray(self.weights) > 0).all()):
            raise ValueError("weights must be finite and above 0")
        if not self.fields:
            raise ValueError("a text recipe needs at least one text field")

    @property
    def targets(self) -> IntArray:
        """Index of each row's label in `classes`, shape (n,)."""
        index = {label: i for i, label in enumerate(self.classes)}
        return np.array([index[label] for label in self.labels], dtype=np.int64)


@dataclass(frozen=True)
class OutOfFold:
    """Calibrated predictions for each training row by a model that has not seen that row.

    Attributes
    ----------
    scores : shape (n,), float32 in [0, 1]
        Probability of the predicted label, in the dtype that the graph gives and routing compares.
    predicted : shape (n,)
        Index of the predicted label in the project's order.
    correct : shape (n,)
        Whether it is the row's label.
    probabilities : shape (n, K), float32
        Rows sum to 1.
    """

    scores: Float32Array
    predicted: IntArray
    correct: BoolArray
    probabilities: Float32Array


@dataclass(frozen=True)
class FittedModel:
    """One model version, ready to be published.

    Attributes
    ----------
    onnx
        The serialised graph, raw strings to `probabilities`.
    inputs
        One `{"name", "field", "dtype": "string", "shape": [-1, 1]}` a field.
    output
        Name of the float32 [n, K] output; columns follow `classes`.
    temperature : above 0
        Already inside the graph; kept for the manifest.
    metrics
        Weighted out-of-fold `accuracy`, `log_loss`, `log_loss_uncalibrated`, `brier`, `ece`.
    """

    onnx: bytes
    inputs: list[dict[str, Any]]
    output: str
    classes: list[str]
    temperature: float
    out_of_fold: OutOfFold
    metrics: dict[str, float]
