"""Labelled sets to choose from, as items of a project and as features of a simple model."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.datasets import load_digits
from sklearn.feature_extraction.text import TfidfVectorizer

from services.demo.texts import RatedText, load_texts
from shared.fields.text import TextField
from shared.fields.types import AnyField
from shared.fields.vector import VectorField


@dataclass(frozen=True)
class LabelledSet:
    """n items, their labels, and the features that a linear model learns from.

    Attributes
    ----------
    rows : `data` of the items
    targets : shape (n,), integers from 0 on
    features : fits them to the rows at the given places, and returns those of all rows
    """

    rows: Sequence[Mapping[str, Any]]
    fields: Mapping[str, AnyField]
    targets: NDArray[np.int64]
    features: Callable[[Sequence[int]], Any]
    inverse_regularisation: float


def digits(_cache: Path) -> LabelledSet:
    """Return 1,797 pictures of digits, 8 by 8, as vectors; ten labels."""
    found = load_digits()
    pixels = found.data / 16.0
    rows = [{"pixels": row.tolist()} for row in found.data]
    targets = found.target.astype(np.int64)
    return LabelledSet(rows, {"pixels": VectorField(length=64)}, targets, lambda _: pixels, 1.0)


def domains(cache: Path) -> LabelledSet:
    """Return posts, product reviews and film reviews, by where they are from and what they say.

    Six labels of unequal size: the rarest has 1,300 of 16,000 items.
    """
    texts = load_texts(cache)
    parts = [texts.posts, texts.reviews, texts.films]
    labelled = [
        (one, 2 * number + (one.majority == "positive"))
        for number, part in enumerate(parts)
        for one in part
    ]
    return _of_texts([one for one, _ in labelled], [label for _, label in labelled])


def tweets(cache: Path) -> LabelledSet:
    """Return 3,400 posts; are they positive?"""
    posts = load_texts(cache).posts
    return _of_texts(posts, [int(one.majority == "positive") for one in posts])


def amazon(cache: Path) -> LabelledSet:
    """Return 3,000 sentences of product reviews; are they positive?"""
    reviews = load_texts(cache).reviews
    return _of_texts(reviews, [int(one.majority == "positive") for one in reviews])


def _of_texts(texts: Sequence[RatedText], labels: Sequence[int]) -> LabelledSet:
    rows = [{"text": one.text} for one in texts]

    def features(places: Sequence[int]) -> Any:
        vectorizer = TfidfVectorizer(ngram_range=(1, 2))
        vectorizer.fit(texts[place].text for place in places)
        return vectorizer.transform(one.text for one in texts)

    return LabelledSet(
        rows, {"text": TextField()}, np.array(labels, dtype=np.int64), features, 30.0
    )


SETS: dict[str, Callable[[Path], LabelledSet]] = {
    "digits": digits,
    "domains": domains,
    "tweets": tweets,
    "amazon": amazon,
}
