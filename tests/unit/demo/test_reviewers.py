"""Simulated reviewers: repeatable draws from a post's own ratings."""

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.demo.texts import RatedText
from services.demo.workforce import draw_rating, label_of

RATINGS = (-4, -1, 0, 0, 1, 2, 3, 4)
RATED = RatedText("17", "hm", RATINGS)


@given(skips=st.integers(0, 50), seed=st.integers(-(2**40), 2**40))
def test_a_draw_is_one_of_the_ratings_and_repeats(skips: int, seed: int) -> None:
    rating = draw_rating(RATED, skips, seed)
    assert rating in RATINGS
    assert rating == draw_rating(RATED, skips, seed)


def test_known_draws_stay_the_same_for_ever() -> None:
    assert [draw_rating(RATED, skips, 0) for skips in range(8)] == [3, 1, 0, 2, 4, -4, 0, 0]


def test_draws_follow_the_ratings_over_skips_seeds_and_posts() -> None:
    n = 8000
    drawn = [
        Counter(draw_rating(RATED, i, 0) for i in range(n)),
        Counter(draw_rating(RATED, 0, i) for i in range(n)),
        Counter(draw_rating(RatedText(str(i), "", RATINGS), 0, 0) for i in range(n)),
    ]
    for counts in drawn:
        for rating, count in Counter(RATINGS).items():
            assert counts[rating] / n == pytest.approx(count / len(RATINGS), abs=0.02)


@pytest.mark.parametrize(
    ("rating", "label"), [(4, "positive"), (1, "positive"), (-1, "negative"), (0, None)]
)
def test_a_rating_stands_for_a_side_or_a_skip(rating: int, label: str | None) -> None:
    assert label_of(rating) == label
