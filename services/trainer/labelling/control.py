"""Does selection pay: a model of chosen labels against one of as many random labels (pure).

Both answer the same random labels, which neither learned from. So the comparison is paired, and of
a uniform sample. The model is a small one on the points by which items are chosen: it tells which
labels teach more, and not how good the project's versions are.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from services.trainer.gate.tango import PairCounts, difference_interval
from services.trainer.selection.representation import represent
from shared.fields.types import AnyField

LEAST_RANDOM = 100
LEAST_CHOSEN = 80
_FOLDS = 5


@dataclass(frozen=True)
class Compared:
    """How many of `measured` random labels each model gave, of `labels` training labels each.

    `interval` is that of the difference of the accuracies, chosen less random, at 95 % (Tango,
    Statistics in Medicine 1998). It is of the labels, for the models as they were trained.
    """

    labels: int
    measured: int
    chosen_right: int
    random_right: int
    interval: tuple[float, float]


def compare(
    chosen: Sequence[tuple[Mapping[str, Any], str]],
    random: Sequence[tuple[Mapping[str, Any], str]],
    fields: Mapping[str, AnyField],
) -> Compared | None:
    """Train on the first n chosen labels and on n random ones, and judge both on other random ones.

    The random labels are split five ways: each is judged once, by models that have learned from n
    labels of the other parts, or of the chosen ones. None: there is nothing to learn from.

    Parameters
    ----------
    chosen
        `data` and label of at least `LEAST_CHOSEN` items, in the order in which they were chosen.
    random
        The same of at least `LEAST_RANDOM` items that were drawn uniformly, in random order.
    """
    points = represent([data for data, _ in (*chosen, *random)], fields)
    if not points.shape[1]:
        return None
    labels = np.array([label for _, label in (*chosen, *random)], dtype=object)
    n = min(len(chosen), len(random) - -(-len(random) // _FOLDS))
    of_chosen = _fitted(points[:n], labels[:n])
    places = np.arange(len(chosen), len(points))
    right = np.zeros((2, len(random)), dtype=np.bool_)
    for fold in range(_FOLDS):
        tested = places[fold::_FOLDS]
        learned = np.setdiff1d(places, tested)[:n]
        of_random = _fitted(points[learned], labels[learned])
        for row, model in enumerate((of_chosen, of_random)):
            right[row, fold::_FOLDS] = _answers(model, points[tested]) == labels[tested]
    return Compared(
        labels=n,
        measured=len(random),
        chosen_right=int(right[0].sum()),
        random_right=int(right[1].sum()),
        interval=_interval(right[0], right[1]),
    )


def _fitted(points: NDArray[np.float64], labels: NDArray[np.object_]) -> Any:
    """Return a model; where all labels are the same, that one."""
    if len(set(labels)) == 1:
        return str(labels[0])
    # Importing scikit-learn takes a second, and the trainer's start need not wait for it.
    from sklearn.linear_model import LogisticRegression

    return LogisticRegression(C=10.0, max_iter=1000).fit(points, labels.astype(str))


def _answers(model: Any, points: NDArray[np.float64]) -> NDArray[np.object_]:
    if isinstance(model, str):
        return np.full(len(points), model, dtype=object)
    return np.asarray(model.predict(points), dtype=object)


def _interval(chosen: NDArray[np.bool_], random: NDArray[np.bool_]) -> tuple[float, float]:
    gained, lost = int(np.sum(chosen & ~random)), int(np.sum(random & ~chosen))
    return difference_interval(PairCounts(items=len(chosen), gained=gained, lost=lost))
