"""Accuracy against the number of labels, for batches at random and for chosen ones."""

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression

from bench.label_efficiency.sets import LabelledSet
from services.trainer.selection.choice import pick
from services.trainer.selection.representation import represent

Curve = NDArray[np.float64]
TEST_SHARE, RESERVE_RATE, EXPLORATION_RATE = 0.3, 0.25, 0.1


def budgets(most: int, batch: int) -> list[int]:
    """Return the numbers of labels at which accuracy is measured."""
    return list(range(batch, most + 1, batch))


def curve(
    found: LabelledSet, strategy: str, seed: int, *, most: int = 500, batch: int = 25
) -> Curve:
    """Return the accuracy on unseen items after each batch.

    Parameters
    ----------
    strategy
        ``random``, or ``auto``: as the trainer chooses, with its reserve, and its tenth of each
        batch at random from there.
    seed
        Decides which items are unseen, the reserve, and the random order.

    Returns
    -------
    shape (most // batch,)
    """
    chance = np.random.default_rng(seed)
    order = chance.permutation(len(found.rows))
    n_test = int(TEST_SHARE * len(order))
    test, pool = order[:n_test], order[n_test:]
    reserve = list(pool[: int(RESERVE_RATE * len(pool))])
    waiting = pool[len(reserve) :]
    points = represent([found.rows[place] for place in waiting], found.fields)
    asked, accuracies, left = list[int](), list[float](), np.ones(len(waiting), dtype=np.bool_)
    probabilities = None
    for _ in budgets(most, batch):
        n_random = batch if strategy == "random" else math.floor(EXPLORATION_RATE * batch + 0.5)
        drawn = [reserve.pop(0) for _ in range(min(n_random, len(reserve)))]
        places = np.flatnonzero(left)
        scores = None if probabilities is None else probabilities[waiting[places]]
        chosen = places[: batch - len(drawn)]
        if strategy != "random":
            chosen = places[pick(points[places], points[~left], len(chosen), scores)]
        left[chosen] = False
        asked += [*drawn, *waiting[chosen].tolist()]
        probabilities = _probabilities(found, asked)
        accuracies.append(float((probabilities[test].argmax(1) == found.targets[test]).mean()))
    return np.array(accuracies)


def _probabilities(found: LabelledSet, asked: Sequence[int]) -> NDArray[np.float64]:
    """Train on the labels of the asked items, and return shape (n, K) for all of them."""
    out = np.zeros((len(found.rows), int(found.targets.max()) + 1))
    features, targets = found.features(asked), found.targets[list(asked)]
    known = np.unique(targets)
    if len(known) == 1:
        out[:, known] = 1.0
        return out
    model = LogisticRegression(C=found.inverse_regularisation, max_iter=500)
    model.fit(features[list(asked)], targets)
    out[:, known] = model.predict_proba(features)
    return out


def labels_needed(curve_of: Curve, wanted: float, at: Sequence[int]) -> int | None:
    """Return the least number of labels from which on a curve is at least `wanted`.

    Examples
    --------
    >>> labels_needed(np.array([0.5, 0.8, 0.7, 0.8]), 0.75, [25, 50, 75, 100])
    100
    """
    below = np.flatnonzero(curve_of < wanted)
    first = 0 if not len(below) else int(below[-1]) + 1
    return None if first == len(at) else at[first]
