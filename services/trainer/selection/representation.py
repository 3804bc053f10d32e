"""Items as points: near one another if they are alike (pure).

Texts become TF-IDF of words and pairs of words, reduced by a truncated singular value decomposition
(Deerwester et al., JASIS 1990); numbers and vectors are standardised; categories are one column a
value. Images and JSON have no representation.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from shared.fields.types import AnyField

FloatArray = NDArray[np.float64]

_DIMENSIONS = 50
_MOST_TERMS = 20_000
# What an item costs must not grow with its text.
_MOST_CHARACTERS = 2_000
_MOST_CATEGORIES = 50
# With fewer terms than this there is nothing to reduce.
_LEAST_TERMS = 3


def represent(
    rows: Sequence[Mapping[str, Any]], fields: Mapping[str, AnyField], *, seed: int = 0
) -> FloatArray:
    """Return one point an item; each field has the same weight.

    Parameters
    ----------
    rows
        `data` of n items, which fit `fields`.
    seed
        Decides the random part of the decomposition.

    Returns
    -------
    shape (n, d), float64. Each field's part of a row has length 1, or 0 where the item has nothing
    in it (such as a text of unknown words). d is 0 where no field has a representation.
    """
    # Importing scikit-learn takes a second, and the trainer's start need not wait for it.
    from sklearn.preprocessing import normalize

    parts = []
    for name, field in fields.items():
        make = _MAKERS.get(field.type)
        part = None if make is None or not rows else make([row.get(name) for row in rows], seed)
        if part is not None:
            parts.append(normalize(part))
    return np.hstack(parts) if parts else np.zeros((len(rows), 0))


def _of_texts(values: Sequence[Any], seed: int) -> FloatArray | None:
    from sklearn.decomposition import TruncatedSVD
    from sklearn.feature_extraction.text import TfidfVectorizer

    texts = [str(value or "")[:_MOST_CHARACTERS] for value in values]
    vectorizer = TfidfVectorizer(
        ngram_range=(1, 2), min_df=2, max_features=_MOST_TERMS, sublinear_tf=True, dtype=np.float32
    )
    try:
        weights = vectorizer.fit_transform(texts)
    except ValueError:
        return None  # no term that two texts share
    n_terms = weights.shape[1]
    if n_terms < _LEAST_TERMS:
        return np.asarray(weights.todense(), dtype=np.float64)
    reducer = TruncatedSVD(min(_DIMENSIONS, n_terms - 1), n_iter=3, random_state=seed)
    return np.asarray(reducer.fit_transform(weights), dtype=np.float64)


def _of_numbers(values: Sequence[Any], _seed: int) -> FloatArray:
    return _standardised(np.array([[_number(value)] for value in values]))


def _of_vectors(values: Sequence[Any], _seed: int) -> FloatArray:
    width = max(len(value) for value in values if value is not None)
    nothing = [0.0] * width
    return _standardised(np.array([nothing if value is None else value for value in values]))


def _of_categories(values: Sequence[Any], _seed: int) -> FloatArray:
    _, places = np.unique([str(value) for value in values], return_inverse=True)
    counts = np.bincount(places)
    columns = np.argsort(-counts, kind="stable")[:_MOST_CATEGORIES]
    return np.asarray(places[:, np.newaxis] == columns, dtype=np.float64)


def _number(value: Any) -> float:
    return float(value) if isinstance(value, int | float) else 0.0


def _standardised(values: FloatArray) -> FloatArray:
    """Scale columns to mean 0 and deviation 1; of one column append a constant.

    Rows are normalised later: of a single number only its sign would be left.
    """
    numbers = np.asarray(values, dtype=np.float64)
    # Squares of the largest floats would overflow.
    numbers = np.clip(numbers, -1e100, 1e100)
    spread = numbers.std(axis=0)
    scaled = (numbers - numbers.mean(axis=0)) / np.where(spread > 0, spread, 1.0)
    if scaled.shape[1] == 1:
        scaled = np.hstack([scaled, np.ones_like(scaled)])
    return np.asarray(scaled)


_MAKERS: dict[str, Callable[[Sequence[Any], int], FloatArray | None]] = {
    "text": _of_texts,
    "number": _of_numbers,
    "vector": _of_vectors,
    "category": _of_categories,
}
