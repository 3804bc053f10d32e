"""Labelled sets that recipes are compared on: pictures, numbers, texts of few and many labels."""

import base64
import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from PIL import Image
from sklearn.datasets import load_digits

from bench import word_texts
from bench.package_texts import package_texts
from services.demo.texts import RatedText, load_texts
from services.local.seeding import cache_folder
from shared.fields.image import ImageField
from shared.fields.number import NumberField
from shared.fields.spec import FieldSpec
from shared.fields.text import TextField
from shared.fields.vector import VectorField

# Of a larger set, a random part is enough: texts are encoded once each.
_MOST = 5_000


@dataclass(frozen=True)
class Labelled:
    """Rows of a project with their labels."""

    fields: dict[str, FieldSpec]
    rows: list[dict[str, Any]]
    labels: list[str]


def posts() -> Labelled:
    """Return social posts, with two numbers beside each text."""
    return _rated(load_texts(cache_folder()).posts)


def films() -> Labelled:
    """Return sentences of film reviews, with two numbers beside each text."""
    return _rated(load_texts(cache_folder()).films)


def reviews() -> Labelled:
    """Return sentences of product reviews, with two numbers beside each text."""
    return _rated(load_texts(cache_folder()).reviews)


def _rated(texts: Sequence[RatedText]) -> Labelled:
    rows = [
        {"text": one.text, "length": float(len(one.text)), "shouts": float(one.text.count("!"))}
        for one in texts
    ]
    fields = {"text": TextField(), "length": NumberField(), "shouts": NumberField()}
    return Labelled(fields, rows, [one.majority for one in texts])


def _texts_of(pairs: Callable[[], list[tuple[str, str]]]) -> Callable[[], Labelled]:
    def load() -> Labelled:
        every = pairs()
        some = np.random.default_rng(0).permutation(len(every))[:_MOST].tolist()
        rows = [{"text": every[i][0]} for i in some]
        return Labelled({"text": TextField()}, rows, [every[i][1] for i in some])

    return load


def digits() -> Labelled:
    """Return scanned digits, as a picture, as a vector and as the darkness of each quarter."""
    found = load_digits()
    rows = []
    for flat in found.data:
        square = flat.reshape(8, 8)
        file = io.BytesIO()
        Image.fromarray((square * 15.9).astype(np.uint8)).save(file, "PNG")
        parts = [square[i : i + 4, j : j + 4].mean() for i in (0, 4) for j in (0, 4)]
        rows.append(
            {
                "picture": base64.b64encode(file.getvalue()).decode(),
                "pixels": flat.tolist(),
                **{f"quarter_{i}": float(part) for i, part in enumerate(parts)},
            }
        )
    fields: dict[str, FieldSpec] = {"picture": ImageField(), "pixels": VectorField(length=64)}
    fields |= {f"quarter_{i}": NumberField() for i in range(4)}
    return Labelled(fields, rows, [str(one) for one in found.target])


SETS: dict[str, Callable[[], Labelled]] = {
    "posts": posts,
    "reviews": reviews,
    "films": films,
    "packages": _texts_of(package_texts),
    "nouns": _texts_of(word_texts.nouns),
    "verbs": _texts_of(word_texts.verbs),
    "subjects": _texts_of(word_texts.subjects),
    "large-subjects": _texts_of(word_texts.large_subjects),
    "emoji": _texts_of(word_texts.emoji),
    "digits": digits,
}
"""By name. Many labels: `packages` 50, `nouns` 25, `verbs` 15, `subjects` 66, `emoji` 59."""
