"""Made-up items of a large pool, and what people answer about them. Pure."""

import random
from collections.abc import Iterator

import orjson

LABELS = ("negative", "positive")
_WORDS, _TELLING, _LENGTH = 4_000, 40, 20
_UNCLEAR = 0.15


def label_of(item_id: str) -> str:
    """Return what a reviewer answers about an item."""
    return LABELS[_seeded(item_id).random() < 0.5]


def text_of(item_id: str) -> str:
    """Return twenty words, of which three tell the label; in one text of seven none does."""
    rng = _seeded(item_id)
    first = _TELLING if rng.random() < 0.5 else 0
    telling = 0 if rng.random() < _UNCLEAR else 3
    words = rng.choices(range(first, first + _TELLING), k=telling)
    words += rng.choices(range(2 * _TELLING, _WORDS), k=_LENGTH - telling)
    return " ".join(f"word{one}" for one in words)


def bodies(items: int, each: int) -> Iterator[bytes]:
    """Yield bodies of JSON lines, at most `each` items a body."""
    for start in range(0, items, each):
        names = (f"item-{number}" for number in range(start, min(items, start + each)))
        lines = ({"item_id": name, "data": {"text": text_of(name)}} for name in names)
        yield b"\n".join(map(orjson.dumps, lines))


def _seeded(item_id: str) -> random.Random:
    return random.Random(item_id)
