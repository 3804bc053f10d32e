"""Which tasks are gold, of which kind, and what they suggest."""

import random
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.review_queue.quality.gold.choosing import (
    among,
    any_place,
    flips,
    kinds_for,
    wanted_side,
    wrong_suggestion,
)

chances = st.integers(0, 2**32).map(random.Random)
LABELS = ["complaint", "praise", "question"]


@given(chance=chances, rate=st.floats(0, 1))
def test_places_are_gold_as_often_as_the_rate_says(chance: random.Random, rate: float) -> None:
    share = sum(flips(chance, rate, 4000)) / 4000
    # Six standard deviations.
    assert share == pytest.approx(rate, abs=0.05)


@given(places=st.lists(st.booleans()), others=st.integers(0, 20))
def test_gold_ends_with_the_tasks_that_hide_it(places: list[bool], others: int) -> None:
    kept = among(places, others)
    assert kept == places[: len(kept)]
    assert kept.count(False) == min(others, places.count(False)) if others else kept == []
    if others > places.count(False):
        assert kept == places


@given(chance=chances, met=st.lists(st.integers(0, 50), min_size=2, max_size=2))
def test_the_side_met_less_often_comes_next(chance: random.Random, met: list[int]) -> None:
    right, wrong = met
    side = wanted_side(right, wrong, chance)
    if right != wrong:
        assert side == ("right" if right < wrong else "wrong")


def test_sides_met_as_often_come_by_lot() -> None:
    chance = random.Random(7)
    drawn = Counter(wanted_side(3, 3, chance) for _ in range(1000))
    assert 400 < drawn["right"] < 600


def test_what_the_model_got_wrong_comes_before_a_seeded_suggestion() -> None:
    assert kinds_for("wrong", seeded=True)[:2] == [
        ("model_wrong", False),
        ("model_right", True),
    ]
    for side in ("right", "wrong"):
        assert not any(seeded for _, seeded in kinds_for(side, seeded=False))
        assert sorted(kind for kind, _ in kinds_for(side, seeded=True)) == [
            *("model_right", "model_wrong", "no_prediction"),
        ]


@given(chance=chances, known=st.sampled_from(LABELS), data=st.data())
def test_seeded_suggestion_is_the_likeliest_wrong_label(
    chance: random.Random, known: str, data: st.DataObject
) -> None:
    names = data.draw(st.lists(st.sampled_from(LABELS), unique=True))
    probabilities = {name: data.draw(st.floats(0, 1)) for name in names}
    suggested = wrong_suggestion({"probabilities": probabilities}, known, LABELS, chance)
    assert suggested != known
    others = {label: value for label, value in probabilities.items() if label != known}
    assert not others or others[suggested] == max(others.values())


def test_items_are_looked_for_from_anywhere() -> None:
    chance = random.Random(1)
    firsts = Counter(any_place(chance)[0] for _ in range(1600))
    assert len(firsts) == 16
    assert min(firsts.values()) > 50
