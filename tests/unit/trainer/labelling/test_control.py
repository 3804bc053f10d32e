"""Chosen labels against random ones."""

import random
from collections.abc import Iterator
from typing import Any

from pydantic import TypeAdapter

from services.trainer.labelling.control import compare
from shared.fields.types import AnyField

FIELDS = TypeAdapter(dict[str, AnyField]).validate_python(
    {"place": {"type": "vector", "length": 2}}
)
Labelled = tuple[dict[str, Any], str]


def points(rng: random.Random, *, swapped: bool = False) -> Iterator[Labelled]:
    """Points of two groups; their labels may be swapped."""
    while True:
        side = rng.random() < 0.5
        place = [rng.gauss(2.0 if side else -2.0, 0.5), rng.gauss(0.0, 0.5)]
        yield {"place": place}, "right" if side != swapped else "left"


def some(n: int, seed: int, **how: Any) -> list[Labelled]:
    stream = points(random.Random(seed), **how)
    return [next(stream) for _ in range(n)]


def test_labels_of_one_kind_teach_less_than_random_ones() -> None:
    only_right = [one for one in some(300, 1) if one[1] == "right"][:100]
    found = compare(only_right, some(120, 2), FIELDS)
    assert found is not None
    assert (found.labels, found.measured) == (96, 120)
    assert found.random_right == 120
    assert found.interval[1] < 0
    low, high = found.interval
    assert low <= (found.chosen_right - found.random_right) / 120 <= high


def test_labels_that_teach_alike_show_no_difference() -> None:
    found = compare(some(80, 3), some(100, 4), FIELDS)
    assert found is not None
    assert found.labels == 80
    assert found.interval[0] < 0 < found.interval[1]


def test_random_labels_that_are_wrong_are_found_out() -> None:
    mixed = some(100, 5) + some(100, 6, swapped=True)
    random.Random(7).shuffle(mixed)
    found = compare(some(150, 8), mixed, FIELDS)
    assert found is not None
    assert found.measured == 200


def test_items_without_a_representation_are_not_compared() -> None:
    fields = TypeAdapter(dict[str, AnyField]).validate_python({"more": {"type": "json"}})
    rows: list[Labelled] = [({"more": {"a": n}}, "x") for n in range(100)]
    assert compare(rows, rows, fields) is None
