"""What a recipe is: labelled rows in, a fitted model with its own evidence out."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from shared.fields.types import AnyField

FloatArray = NDArray[np.float64]
Float32Array = NDArray[np.float32]
IntArray = NDArray[np.int64]
BoolArray = NDArray[np.bool_]
Progress = Callable[[float, str], None]
"""Called with a share in [0, 1] and a short sentence."""


def silent(_share: float, _message: str) -> None:
    """Report no progress."""


class RecipeRefused(ValueError):  # noqa: N818 - named as the house names its problems
    """No version can be made: the project does not fit, labels are too few, or the export differs.

    The message says why.
    """


@dataclass(frozen=True)
class RecipeComparison:
    """How a project compares recipes.

    Attributes
    ----------
    coverage
        The share of the traffic, in [0, 1], that a certificate is predicted to answer, given
        out-of-fold confidences of shape (m,) and whether each answer was right.
    seconds : above 0
        No further recipe is tried after so long.
    """

    coverage: Callable[[Float32Array, BoolArray], float]
    seconds: float


@dataclass(frozen=True)
class TrainingData:
    """Labelled rows of one project, in a fixed order.

    Attributes
    ----------
    rows : n items' data
        Every row has every field of `fields`.
    labels : n names
        Each one of `classes`.
    weights : shape (n,), finite and above 0
        1 / propensity of each row's being labelled; only ratios matter.
    fields
        Those that the recipe learns from, in the project's order.
    classes
        The project's labels in the project's order, also those without an example.
    specs
        What the project says of `fields`.
    uniform : shape (n,)
        Whether each row was drawn uniformly, by no model's choice; None where that is unknown.
    comparison
        How recipes are compared; `auto` alone needs it.
    folds : shape (n,), from 0 on
        The fold of each row by the snapshot (`crossfit.folds_for`); None where it has none.

    Raises
    ------
    ValueError
        Unequal lengths, a label outside `classes`, or a weight that is not above 0.
    """

    rows: list[dict[str, Any]]
    labels: list[str]
    weights: FloatArray
    fields: list[str]
    classes: list[str]
    specs: Mapping[str, AnyField] = field(default_factory=dict)
    uniform: BoolArray | None = None
    comparison: "RecipeComparison | None" = None
    folds: IntArray | None = None

    def __post_init__(self) -> None:
        if not len(self.rows) == len(self.labels) == len(self.weights):
            raise ValueError("rows, labels and weights must have one entry a row")
        if self.folds is not None and len(self.folds) != len(self.rows):
            raise ValueError("folds must have one entry a row")
        if unknown := set(self.labels) - set(self.classes):
            raise ValueError(f"labels outside the project: {sorted(unknown)}")
        if not (np.isfinite(self.weights).all() and (np.asarray(self.weights) > 0).all()):
            raise ValueError("weights must be finite and above 0")

    @property
    def targets(self) -> IntArray:
        """Index of each row's label in `classes`, shape (n,)."""
        index = {label: i for i, label in enumerate(self.classes)}
        return np.array([index[label] for label in self.labels], dtype=np.int64)


@dataclass(frozen=True)
class FittedModel:
    """One model version, ready to be published.

    Attributes
    ----------
    onnx
        The serialised graph, raw strings to `probabilities`.
    inputs
        The manifest's: one `{"name", "field", "dtype", "shape"}` an input.
    output
        Name of the float32 [n, K] output; columns follow `classes`.
    calibration
        What the manifest says of it; it is inside the graph.
    scores : shape (n,), float32 in [0, 1]
        Calibrated probability of the predicted label of each training row, by a model that has not
        seen that row.
    correct : shape (n,)
        Whether that label is the row's.
    metrics
        Weighted out-of-fold `accuracy`, `log_loss`, `log_loss_uncalibrated`, `brier`, `ece`.
    predicted : shape (n,), int64
        That label's index in the classes. Without it, no label is ever suspected by this model.
    label_scores : shape (n,), float32 in [0, 1]
        Calibrated probability of the row's own label, by the same model; beside `predicted`.
    report
        What people should know of the training, as JSON: `notes`, a list of sentences, and
        whatever else the recipe tells. It is shown with the run and with the version.
    """

    onnx: bytes
    inputs: list[dict[str, Any]]
    output: str
    calibration: dict[str, Any]
    scores: Float32Array
    correct: BoolArray
    metrics: dict[str, float]
    predicted: IntArray | None = None
    label_scores: Float32Array | None = None
    report: dict[str, Any] = field(default_factory=dict)

    def with_evidence_of(self, at: list[int]) -> "FittedModel":
        """Return the model with the evidence of these rows alone."""
        return replace(
            self,
            scores=self.scores[at],
            correct=self.correct[at],
            predicted=None if self.predicted is None else self.predicted[at],
            label_scores=None if self.label_scores is None else self.label_scores[at],
        )


class Recipe(Protocol):
    """A way to make model versions.

    A module of this package has it as `RECIPE`, another package names it in an entry point.
    """

    def learns_from(self, fields: Mapping[str, AnyField]) -> list[str]:
        """Return which of a project's fields it learns from; `RecipeRefused` if none."""

    def fit(self, data: TrainingData, *, seed: int, progress: Progress) -> FittedModel:
        """Fit, calibrate on out-of-fold predictions, and export.

        Raises
        ------
        RecipeRefused
            The labels do not suffice, or the export is not the fitted model.
        """


@dataclass(frozen=True)
class RecipeOfTypes:
    """A recipe that learns from every field of some types, such as `TextField`.

    Attributes
    ----------
    name
    types : those of the fields
    train : carries out `Recipe.fit`
    """

    name: str
    types: tuple[type[Any], ...]
    train: Callable[..., FittedModel]

    def learns_from(self, fields: Mapping[str, AnyField]) -> list[str]:
        """Return the names of the fields of its types; `RecipeRefused` names types and recipe."""
        names = [name for name, spec in fields.items() if isinstance(spec, self.types)]
        if not names:
            kinds = [kind.__name__.removesuffix("Field").lower() for kind in self.types]
            article = "an" if kinds[0][0] in "aeiou" else "a"
            raise RecipeRefused(
                f"recipe {self.name} needs {article} {' or '.join(kinds)} field; "
                "the project has none"
            )
        return names

    def fit(self, data: TrainingData, *, seed: int, progress: Progress) -> FittedModel:
        """Train on the rows of these fields."""
        return self.train(data, seed=seed, progress=progress)
