"""Made-up items that pass `check_data`, to try a graph with."""

import base64
import io
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from PIL import Image

from shared.contracts.projects import FieldSpec
from shared.contracts.versions import ModelInput
from shared.graphs.encoders import KINDS
from shared.graphs.tensors import Fields

_WORDS = ("good", "Not", "the", "price", "ÉCOLE", "naïve", "2026", "don't", "!", "日本語", "🙂")
_MOST_WORDS = 12
_SIDES = (8, 48)

Make = Callable[[FieldSpec, np.random.Generator], Any]


def made_up_items(
    fields: Fields,
    inputs: Sequence[ModelInput],
    count: int,
    *,
    seed: int = 0,
    longest: bool = False,
) -> list[dict[str, Any]]:
    """Return the data of `count` items, the same for the same seed.

    Texts are short, or with `longest` as long as their field allows.

    Numbers lie in [0, 1), and are 0 or 1 where an input takes whole ones: nothing is known of the
    scale that the model was made for, and these are within the domain of logarithms and tables.
    """
    chance = np.random.default_rng(seed)
    text = _longest_text if longest else _text
    makers = _MAKERS | {"text": text}
    whole = {name for entry in inputs if KINDS.get(entry.dtype) == "int64" for name in entry.fields}
    return [
        {
            name: (_WHOLE if name in whole else makers).get(spec.type, makers[spec.type])(
                spec, chance
            )
            for name, spec in fields.items()
        }
        for _ in range(count)
    ]


def _text(spec: FieldSpec, chance: np.random.Generator) -> str:
    words = chance.choice(_WORDS, int(chance.integers(1, _MOST_WORDS)))
    return " ".join(words)[: spec.max_length]


def _longest_text(spec: FieldSpec, chance: np.random.Generator) -> str:
    # A word has at least one character, and one space behind it.
    words = chance.choice(_WORDS, spec.max_length // 2 + 1)
    return " ".join(words)[: spec.max_length]


def _category(spec: FieldSpec, chance: np.random.Generator) -> str:
    values = spec.values or []
    return values[int(chance.integers(len(values)))]


def _image(_: FieldSpec, chance: np.random.Generator) -> str:
    height, width = chance.integers(*_SIDES, size=2)
    file = io.BytesIO()
    noise = chance.integers(0, 256, size=(height, width, 3), dtype=np.uint8)
    Image.fromarray(noise).save(file, "PNG")
    return base64.b64encode(file.getvalue()).decode()


_MAKERS: dict[str, Make] = {
    "text": _text,
    "number": lambda _, chance: float(chance.random()),
    "category": _category,
    "vector": lambda spec, chance: chance.random(spec.length).tolist(),
    "image": _image,
    "json": lambda _, __: {},
}
_WHOLE: dict[str, Make] = {
    "number": lambda _, chance: int(chance.integers(2)),
    "vector": lambda spec, chance: chance.integers(2, size=spec.length).tolist(),
}
