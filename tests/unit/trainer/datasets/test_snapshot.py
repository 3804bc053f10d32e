"""Datasets as canonical bytes."""

import random
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.trainer.datasets.snapshot import (
    WEIGHT_CAP,
    LabelledItem,
    canonical_lines,
    compress,
    read,
    weight_of,
    weighted,
)
from shared.store import sha256


def _item(item_id: str, text: str = "x") -> LabelledItem:
    return LabelledItem(item_id, {"text": text, "a": 1}, "yes", "pool", 1, 1.0, True, "hash")


@given(st.lists(st.text(min_size=1), unique=True, max_size=20), st.integers())
def test_order_does_not_matter(ids: list[str], seed: int) -> None:
    items = [_item(item_id) for item_id in ids]
    lines = canonical_lines(items)
    random.Random(seed).shuffle(items)
    assert canonical_lines(items) == lines


def test_id_is_pinned() -> None:
    # A change here gives every stored dataset another address.
    assert sha256(canonical_lines([_item("b"), _item("a")])) == (
        "7c0997cb1a2943437ff87cd5f150cce689f72dcfb12b7394a9343d8ee3d6b4e2"
    )


def test_any_change_changes_the_id() -> None:
    ids = {sha256(canonical_lines([item])) for item in (_item("a"), _item("b"), _item("a", "y"))}
    assert len(ids) == 3


def test_compressed_lines_are_stable_and_read_back() -> None:
    items = [_item("a"), _item("b", "ünï\u2028")]
    lines = canonical_lines(items)
    assert compress(lines) == compress(lines)
    assert list(read(compress(lines))) == items


@given(st.floats(min_value=0.0, max_value=1.0) | st.none())
def test_weights_lie_between_one_and_the_cap(propensity: float | None) -> None:
    assert 1.0 <= weight_of(propensity) <= WEIGHT_CAP


@given(st.lists(st.floats(min_value=0.0, max_value=1.0) | st.none(), min_size=1, max_size=50))
def test_weights_of_a_snapshot_have_mean_one(chances: list[float | None]) -> None:
    items = [replace(_item(str(at)), propensity=one) for at, one in enumerate(chances)]
    weights = [one.weight for one in weighted(items, equally=False)]
    assert sum(weights) / len(weights) == pytest.approx(1.0, abs=1e-5)
    assert max(weights) <= WEIGHT_CAP * min(weights) * 1.001
    assert {one.weight for one in weighted(items, equally=True)} == {1.0}


def test_rows_of_other_releases_are_read() -> None:
    old = b'{"item_id":"a","data":{},"label":"yes","lane":"pool","revision":1,"weight":2.0,'
    old += b'"uniform":true,"content_hash":"h"'
    first, second = read(compress(old + b"}\n" + old + b',"of_a_later_release":1}\n'))
    assert first == second
    assert (first.weight, first.fold, first.propensity, first.is_new) == (2.0, None, None, None)
