"""Slices: a planted one is found, none is invented, and chances of labelling are allowed for."""

from typing import Any

import numpy as np
import pytest

from services.trainer.monitoring.slices.finding import (
    LabelledItems,
    Rate,
    compare_groups,
    find_slices,
)
from services.trainer.monitoring.slices.gathering import SUGGESTED, evidence_of, weight_of
from services.trainer.monitoring.slices.repository import Judged, shortened
from services.trainer.monitoring.slices.topics import topics_of
from services.trainer.promise.binomial import interval
from tests.harness.trainer_parts import make_project

KEYS, VALUES = 5, 5
PREDICATES = [(f"key{key}", f"value{value}") for key in range(KEYS) for value in range(VALUES)]
TEXTS = ("refund parcel broken", "lovely lamp bright light", "sound speaker bass quiet")
PLANTED = {("key0", "value1"), ("key1", "value2")}


def evidence(
    rng: np.random.Generator, n: int, *, factor: float, by_model: bool = False
) -> LabelledItems:
    """Draw items of five keys; those with two certain values, 4 %, fail `factor` times as often.

    With `by_model`, seven in ten of the sure items, which are more often right, lack a label.
    """
    values = rng.integers(0, VALUES, size=(n, KEYS))
    holds = np.zeros((n, KEYS * VALUES), dtype=bool)
    for key in range(KEYS):
        holds[np.arange(n), VALUES * key + values[:, key]] = True
    planted = (values[:, 0] == 1) & (values[:, 1] == 2)
    wrong = rng.random(n) < np.where(planted, factor * 0.08, 0.08)
    unsure = rng.random(n) < np.where(wrong, 0.7, 0.2)
    is_kept = unsure | (rng.random(n) < 0.3) if by_model else np.ones(n, dtype=bool)
    weights = np.where(unsure | (not by_model), 1.0, 1 / 0.3)
    return LabelledItems(
        predicates=PREDICATES,
        holds=holds[is_kept],
        wrong=wrong[is_kept],
        weights=weights[is_kept],
        confirming=rng.random(int(is_kept.sum())) < 0.5,
    )


@pytest.mark.parametrize("by_model", [False, True])
def test_a_planted_slice_of_two_predicates_is_found(by_model: bool) -> None:
    rng = np.random.default_rng(1)
    runs = 8
    found = [find_slices(evidence(rng, 8_000, factor=3, by_model=by_model)) for _ in range(runs)]
    hits = sum(any(set(s.predicates) == PLANTED for s in one.slices) for one in found)
    assert hits >= 0.9 * runs - 1


@pytest.mark.parametrize("by_model", [False, True])
def test_no_slice_is_invented(by_model: bool) -> None:
    rng = np.random.default_rng(2)
    runs = [find_slices(evidence(rng, 3_000, factor=1, by_model=by_model)) for _ in range(20)]
    assert sum(bool(one.slices) for one in runs) <= 3


def test_a_slice_is_not_told_twice_by_its_parts() -> None:
    found = find_slices(evidence(np.random.default_rng(3), 20_000, factor=4))
    assert [set(one.predicates) for one in found.slices] == [PLANTED]
    assert found.slices[0].rate.rate > 3 * found.slices[0].rest.rate


def test_without_errors_or_items_nothing_is_found() -> None:
    some = evidence(np.random.default_rng(4), 500, factor=1)
    right = LabelledItems(
        some.predicates, some.holds, np.zeros(500, dtype=bool), some.weights, some.confirming
    )
    assert find_slices(right).slices == []
    none = np.zeros(0, dtype=bool)
    nothing = LabelledItems([], np.zeros((0, 0), dtype=bool), none, np.zeros(0), none)
    assert find_slices(nothing).slices == []
    assert compare_groups(nothing, ["key0"]) == []


def test_a_group_that_fails_more_often_is_named_and_others_are_not() -> None:
    groups = compare_groups(evidence(np.random.default_rng(5), 8_000, factor=6), ["key0", "key4"])
    assert {one.predicate for one in groups if one.is_worse} == {("key0", "value1")}
    assert len(groups) == 2 * VALUES


def test_equal_weights_give_the_exact_interval_and_unequal_ones_a_wider_one() -> None:
    wrong = np.zeros(60, dtype=bool)
    wrong[:7] = True
    equal = Rate.of(wrong, np.full(60, 4.0))
    assert equal.interval == pytest.approx(interval(7, 60), abs=1e-12)
    weights = np.where(np.arange(60) % 2, 1.0, 9.0)
    unequal = Rate.of(wrong, weights)
    assert unequal.effective < 40
    assert unequal.interval[1] - unequal.interval[0] > equal.interval[1] - equal.interval[0]


def judged(number: int, **changes: Any) -> Judged:
    row: dict[str, Any] = {
        "decision": "answered",
        "reason": "confident",
        "audited": True,
        "propensity": 0.05,
        "suggestion": "positive",
        "label": "positive",
        "metadata": {"channel": "web" if number % 2 else "app"},
        "data": {"text": f"{TEXTS[number % 3]} note {number}"},
    }
    lane, asked = changes.pop("lane", "audit"), changes.pop("asked_with", None)
    return Judged(number, f"item-{number}", row | changes, "negative", lane, asked)


def test_an_item_counts_by_the_chance_of_its_label_and_not_at_all_where_that_is_unknown() -> None:
    assert weight_of(judged(1)) == pytest.approx(20.0)
    assert weight_of(judged(1, decision="in_review", reason="below_threshold")) == 1.0
    assert weight_of(judged(1, audited=False)) is None
    assert weight_of(judged(1, decision="in_review", reason="optional_review")) is None
    assert weight_of(judged(1, audited=False, lane="relabel", asked_with=0.25)) == 4.0


def test_predicates_are_metadata_suggested_label_and_topics_of_texts() -> None:
    found, rows = evidence_of(make_project(), [judged(number) for number in range(400)])
    assert len(rows) == 400
    assert ("channel", "web") in found.predicates
    assert (SUGGESTED, "positive") in found.predicates
    topics = [value for key, value in found.predicates if key == "topic of text"]
    assert any("refund" in topic or "parcel" in topic for topic in topics)
    assert found.wrong.all()
    assert 0.35 < found.confirming.mean() < 0.65


def test_few_or_empty_texts_have_no_topics() -> None:
    assert topics_of(["some words"] * 20)[0] == []
    names, found = topics_of([""] * 400)
    assert names == []
    assert (found == -1).all()


def test_of_large_items_only_the_beginnings_of_texts_are_kept() -> None:
    row = {"decision": "answered", "data": {"text": "long " * 1_000, "vector": [0.5] * 9_000}}
    assert shortened(row) == {"decision": "answered", "data": {"text": "long " * 400}}
