"""What looks mislabelled, by confident learning: an order for a second look (pure).

How much of what it names is really wrong depends on the model: 23 to 79 % in
`python -m bench first-labels`. So nothing is ever relabelled by it.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.floating]
IntArray = NDArray[np.int64]


@dataclass(frozen=True)
class Suspects:
    """Rows whose given class looks wrong, the most suspicious first; all of shape (suspects,).

    Attributes
    ----------
    row : place in the input
    suspected : the class that the model holds for right
    margin : in (0, 1], by how much more probable it is than the given class
    """

    row: IntArray
    suspected: IntArray
    margin: NDArray[np.float64]


def confident_thresholds(given: IntArray, probabilities: FloatArray) -> NDArray[np.float64]:
    """Return, for each class, the mean probability of it where it was given; shape (classes,).

    Infinite for a class that was never given: it has no usual probability.
    """
    classes = probabilities.shape[1]
    own = probabilities[np.arange(len(given)), given].astype(np.float64)
    number = np.bincount(given, minlength=classes)
    total = np.bincount(given, own, minlength=classes)
    mean = np.divide(total, number, out=np.full(classes, np.inf), where=number > 0)
    return np.asarray(mean, dtype=np.float64)


def find_suspects(given: IntArray, probabilities: FloatArray) -> Suspects:
    """Return the rows off the diagonal of the confident joint, by falling margin.

    A row is confidently of class j when j is the most probable of those classes whose probability
    reaches the class's own threshold: the mean it has where people gave it. So a model that is
    over-confident of one class, or shy of another, does not flood the list.

    Parameters
    ----------
    given : IntArray of shape (rows,), in 0..classes-1
        The classes that people gave.
    probabilities : array of shape (rows, classes)
        Of a model that had not learned from these rows when it gave them.

    Raises
    ------
    ValueError
        Shapes do not match, or a class lies outside its range.

    References
    ----------
    Northcutt, Jiang and Chuang, Confident Learning, Journal of Artificial Intelligence Research 70
    (2021); Northcutt, Athalye and Mueller, Pervasive Label Errors in Test Sets (2021).

    Examples
    --------
    >>> p = np.array([[0.9, 0.1], [0.8, 0.2], [0.1, 0.9], [0.1, 0.9], [0.95, 0.05]])
    >>> find_suspects(np.array([0, 0, 1, 1, 1]), p).row.tolist()
    [4]
    """
    _check(given, probabilities)
    reached = probabilities >= confident_thresholds(given, probabilities)
    suspected = np.where(reached, probabilities, -1.0).argmax(axis=1)
    rows = np.arange(len(given))
    margin = probabilities[rows, suspected].astype(np.float64) - probabilities[rows, given]
    # Where the model itself prefers the given class, no threshold makes it a suspect.
    suspicious = np.flatnonzero(reached.any(axis=1) & (margin > 0))
    order = suspicious[np.argsort(-margin[suspicious], kind="stable")]
    return Suspects(order, suspected[order].astype(np.int64), margin[order])


def _check(given: IntArray, probabilities: FloatArray) -> None:
    if given.shape != probabilities.shape[:1]:
        raise ValueError("one row of probabilities is needed for each given class")
    if given.size and not 0 <= given.min() <= given.max() < probabilities.shape[1]:
        raise ValueError("a given class lies outside its range")
