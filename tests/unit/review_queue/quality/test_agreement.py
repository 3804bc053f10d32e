"""Coefficients of agreement, against published worked examples and by their properties."""

import math
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from numpy.typing import NDArray

from services.review_queue.quality.agreement.bootstrap import bootstrap_interval
from services.review_queue.quality.agreement.coefficients import (
    cohen_kappa,
    fleiss_kappa,
    gwet_ac1,
    kappa_interval,
    krippendorff_alpha,
)
from services.review_queue.quality.agreement.service import pairwise
from services.review_queue.quality.agreement.table import RatingTable

Matrix = NDArray[np.int64]
NO = -1

# Krippendorff, Computing Krippendorff's Alpha-Reliability (2011), section C: four observers,
# twelve units, five values (there 1 to 5).
KRIPPENDORFF = np.array(
    [
        [0, 1, 2, 2, 1, 0, 3, 0, 1, NO, NO, NO],
        [0, 1, 2, 2, 1, 1, 3, 0, 1, 4, NO, 2],
        [NO, 2, 2, 2, 1, 2, 3, 1, 1, 4, 0, NO],
        [0, 1, 2, 2, 1, 3, 3, 0, 1, 4, 0, NO],
    ]
)
# Fleiss, Psychological Bulletin 76 (1971), table 1: thirty patients, six psychiatrists each, five
# diagnoses.
FLEISS = [
    *([0, 0, 0, 6, 0], [0, 3, 0, 0, 3], [0, 1, 4, 0, 1], [0, 0, 0, 0, 6], [0, 3, 0, 3, 0]),
    *([2, 0, 4, 0, 0], [0, 0, 4, 0, 2], [2, 0, 3, 1, 0], [2, 0, 0, 4, 0], [0, 0, 0, 0, 6]),
    *([1, 0, 0, 5, 0], [1, 1, 0, 4, 0], [0, 3, 3, 0, 0], [1, 0, 0, 5, 0], [0, 2, 0, 3, 1]),
    *([0, 0, 5, 0, 1], [3, 0, 0, 1, 2], [5, 1, 0, 0, 0], [0, 2, 0, 4, 0], [1, 0, 2, 0, 3]),
    *([0, 0, 0, 0, 6], [0, 1, 0, 5, 0], [0, 2, 0, 1, 3], [2, 0, 0, 4, 0], [1, 0, 0, 4, 1]),
    *([0, 5, 0, 1, 0], [4, 0, 0, 0, 2], [0, 2, 0, 4, 0], [1, 0, 5, 0, 0], [0, 0, 0, 0, 6]),
]
# Two raters' tables, a row what the first gave.
COHEN = [[88, 14, 18], [10, 40, 10], [2, 6, 12]]
ABSTRACTORS = [[13, 0, 0], [0, 20, 7], [0, 4, 56]]
NEARLY_ALL_POSITIVE = [[118, 5], [2, 0]]

matrices = arrays.arrays(
    np.int64, st.tuples(st.integers(2, 5), st.integers(2, 12)), elements=st.integers(-1, 3)
)


def of_counts(counts: list[list[int]]) -> RatingTable:
    """The table in which `counts[unit][code]` raters gave a class."""
    cells = np.array(counts)
    unit, code = np.nonzero(cells)
    number = cells[unit, code]
    return RatingTable.from_ratings(
        np.repeat(unit, number), np.repeat(code, number), units=len(cells), classes=cells.shape[1]
    )


def of_two(confusion: list[list[int]]) -> Matrix:
    """The reliability data of two raters with this table."""
    cells = np.array(confusion)
    first, second = np.indices(cells.shape)
    return np.repeat(np.stack([first.ravel(), second.ravel()]), cells.ravel(), axis=1)


def of_matrix(matrix: Matrix, classes: int) -> RatingTable:
    """The table of reliability data: a row a rater, a column a unit."""
    rater, unit = np.nonzero(matrix != NO)
    codes = matrix[rater, unit]
    return RatingTable.from_ratings(unit, codes, units=matrix.shape[1], classes=classes)


def alpha(matrix: Matrix, classes: int = 5) -> float:
    return krippendorff_alpha(of_matrix(matrix, classes))


def ac1(matrix: Matrix, classes: int = 5) -> float:
    return gwet_ac1(of_matrix(matrix, classes))


def first_two(matrix: Matrix, classes: int = 5) -> float:
    return cohen_kappa(matrix[0], matrix[1], classes)


COEFFICIENTS: list[Callable[[Matrix], float]] = [alpha, ac1, first_two]


def test_nominal_alpha_of_the_worked_example_is_the_published_one() -> None:
    assert alpha(KRIPPENDORFF) == pytest.approx(0.7434210526315790, abs=1e-9)


def test_kappa_of_the_psychiatrists_is_fleiss_own() -> None:
    assert fleiss_kappa(of_counts(FLEISS)) == pytest.approx(0.430, abs=5e-4)


def test_kappa_of_two_clinicians_is_cohens_own() -> None:
    # Cohen, Educational and Psychological Measurement 20 (1960): 0.70 agree, 0.41 by chance.
    assert first_two(of_two(COHEN), 3) == pytest.approx(0.29 / 0.59)


@pytest.mark.parametrize(
    ("confusion", "kappa", "error"),
    [
        # Fleiss, Statistical Methods for Rates and Proportions, 2nd edition (1981), chapter 13:
        # a hundred subjects.
        ([[75, 1, 4], [5, 4, 1], [0, 0, 10]], 0.676, 0.088),
        # irrCAC, as below.
        (ABSTRACTORS, 0.7964, 0.0589),
    ],
)
def test_interval_of_kappa_is_of_the_published_standard_error(
    confusion: list[list[int]], kappa: float, error: float
) -> None:
    first, second = of_two(confusion)
    ends = kappa_interval(first, second, 3)
    assert ends is not None
    assert sum(ends) / 2 == pytest.approx(kappa, abs=5e-4)
    assert (ends[1] - ends[0]) / 2 / 1.96 == pytest.approx(error, abs=5e-4)
    cells = np.array(confusion)
    one, other = np.indices(cells.shape)
    counted = kappa_interval(one.ravel(), other.ravel(), 3, weights=cells.ravel())
    assert counted == pytest.approx(ends)


def test_kappa_has_no_interval_where_nothing_or_all_agrees() -> None:
    assert kappa_interval([0, 1, 1], [0, 1, 1], 2) is None
    assert kappa_interval([0, 1], [1, 0], 2) is None
    assert kappa_interval([0, 0], [0, 0], 2) is None
    assert kappa_interval([NO, 0], [0, NO], 2) is None


@given(matrices)
def test_interval_of_kappa_holds_it_and_stays_within_bounds(matrix: Matrix) -> None:
    ends = kappa_interval(matrix[0], matrix[1], 4)
    if ends is not None:
        assert -1 <= ends[0] <= cohen_kappa(matrix[0], matrix[1], 4) <= ends[1] <= 1


def test_coefficients_of_two_abstractors_are_those_of_gwets_own_package() -> None:
    # irrCAC, vignette "overview", data set cont3x3abstractors, after Gwet (2014).
    matrix = of_two(ABSTRACTORS)
    assert first_two(matrix, 3) == pytest.approx(0.7964094, abs=1e-7)
    assert ac1(matrix, 3) == pytest.approx(0.8493305, abs=1e-7)
    # The package leaves out the correction for small samples: alpha's disagreement is n/(n-1) of
    # that of Scott's pi, 0.7962397.
    assert 1 - alpha(matrix, 3) == pytest.approx((1 - 0.7962397) * 199 / 200, abs=1e-7)


def test_ac1_with_missing_ratings_is_gwets_own() -> None:
    # Gwet, Handbook of Inter-Rater Reliability (2014), on the four raters and twelve units above.
    assert ac1(KRIPPENDORFF) == pytest.approx(0.77544, abs=5e-6)


def test_ac1_stays_high_where_nearly_all_units_are_of_one_class() -> None:
    # Gwet, Inter-Rater Reliability: Dependency on Trait Prevalence (2002): 118 of 125 agree.
    matrix = of_two(NEARLY_ALL_POSITIVE)
    assert first_two(matrix, 2) == pytest.approx(-0.0234, abs=5e-5)
    assert ac1(matrix, 2) == pytest.approx(0.9408, abs=5e-5)


@pytest.mark.parametrize("coefficient", COEFFICIENTS)
@given(row=st.lists(st.integers(0, 3), min_size=2, max_size=20), raters=st.integers(2, 4))
def test_perfect_agreement_is_one(
    coefficient: Callable[[Matrix], float], row: list[int], raters: int
) -> None:
    found = coefficient(np.array([row] * raters))
    # Where one class was given throughout, alpha and kappa have nothing to say.
    if len(set(row)) > 1 or coefficient is ac1:
        assert found == pytest.approx(1)
    else:
        assert math.isnan(found)


@pytest.mark.parametrize("coefficient", COEFFICIENTS)
@given(matrix=matrices, order=st.permutations(range(4)))
def test_other_names_for_the_classes_change_nothing(
    coefficient: Callable[[Matrix], float], matrix: Matrix, order: list[int]
) -> None:
    renamed = np.where(matrix == NO, NO, np.array([*order, NO])[matrix])
    assert coefficient(renamed) == pytest.approx(coefficient(matrix), nan_ok=True)


@pytest.mark.parametrize("coefficient", COEFFICIENTS)
@given(matrix=matrices, data=st.data())
def test_neither_the_order_of_raters_nor_of_units_matters(
    coefficient: Callable[[Matrix], float], matrix: Matrix, data: st.DataObject
) -> None:
    raters = range(2) if coefficient is first_two else range(len(matrix))
    by_rater = np.array(data.draw(st.permutations(raters)))
    by_unit = np.array(data.draw(st.permutations(range(matrix.shape[1]))))
    moved = matrix[by_rater][:, by_unit]
    assert coefficient(moved) == pytest.approx(coefficient(matrix), nan_ok=True)


@pytest.mark.parametrize("coefficient", COEFFICIENTS)
def test_independent_raters_are_near_zero(coefficient: Callable[[Matrix], float]) -> None:
    matrix = np.random.default_rng(1).integers(0, 5, (4, 20_000))
    assert coefficient(matrix) == pytest.approx(0, abs=0.02)
    assert fleiss_kappa(of_matrix(matrix, 5)) == pytest.approx(0, abs=0.02)


@given(matrix=matrices)
def test_alpha_is_what_its_definition_over_pairs_of_ratings_says(matrix: Matrix) -> None:
    """By its other definition: disagreeing pairs within units, against those of all ratings."""
    units = [column[column != NO] for column in matrix.T]
    units = [column for column in units if len(column) > 1]
    together = np.concatenate([np.empty(0), *units])

    def disagreeing(codes: NDArray[np.float64] | Matrix) -> int:
        return int((codes[:, None] != codes[None, :]).sum())

    n, expected = len(together), disagreeing(together)
    if expected == 0:
        assert math.isnan(alpha(matrix))
        return
    observed = sum(disagreeing(column) / (len(column) - 1) for column in units) / n
    assert alpha(matrix) == pytest.approx(1 - observed / (expected / (n * (n - 1))))


@given(matrix=matrices)
def test_units_that_are_alike_may_be_counted_together(matrix: Matrix) -> None:
    table = of_matrix(matrix, 4)
    patterns, frequency = table.distinct()
    assert frequency.sum() == table.units
    for of in (krippendorff_alpha, gwet_ac1):
        once = of(table)
        assert of(patterns, weights=frequency) == pytest.approx(once, nan_ok=True)


@given(matrix=matrices, weights=st.lists(st.integers(0, 3), min_size=12, max_size=12))
def test_weight_of_a_unit_is_how_often_it_counts(matrix: Matrix, weights: list[int]) -> None:
    weight = np.array(weights[: matrix.shape[1]])
    table, repeated = of_matrix(matrix, 4), np.repeat(matrix, weight, axis=1)
    again = of_matrix(repeated, 4)
    for of in (krippendorff_alpha, gwet_ac1):
        assert of(table, weights=weight) == pytest.approx(of(again), nan_ok=True)
    kappa = cohen_kappa(matrix[0], matrix[1], 4, weights=weight)
    assert kappa == pytest.approx(cohen_kappa(repeated[0], repeated[1], 4), nan_ok=True)


def test_nothing_rated_twice_has_no_agreement() -> None:
    alone = np.array([[0, NO, 1], [NO, 1, NO]])
    assert math.isnan(alpha(alone))
    assert math.isnan(ac1(alone))
    assert math.isnan(first_two(alone))
    assert math.isnan(alpha(np.empty((2, 0), dtype=np.int64)))


@pytest.mark.parametrize("counts", [[[1, 0], [0, 1]], [[2, 0], [1, 2]]])
def test_fleiss_needs_equally_many_ratings_two_at_least(counts: list[list[int]]) -> None:
    with pytest.raises(ValueError, match="same number of ratings"):
        fleiss_kappa(of_counts(counts))


@pytest.mark.parametrize(("unit", "code"), [([0], [2]), ([3], [0]), ([0], [-1]), ([0, 1], [0])])
def test_ratings_out_of_range_are_refused(unit: list[int], code: list[int]) -> None:
    with pytest.raises(ValueError, match=r"outside its range|one length"):
        RatingTable.from_ratings(unit, code, units=3, classes=2)


def noisy(units: int, seed: int) -> Matrix:
    """Two raters, each right with 0.85, of two equally frequent classes."""
    generator = np.random.default_rng(seed)
    truth = generator.integers(0, 2, units)
    wrong = generator.random((2, units)) > 0.85
    return np.where(wrong, 1 - truth, truth)


def interval(matrix: Matrix, **options: int) -> tuple[float, float] | None:
    patterns, frequency = of_matrix(matrix, 2).distinct()
    return bootstrap_interval(
        lambda weights: krippendorff_alpha(patterns, weights=weights),
        frequency,
        **{"seed": 1, **options},
    )


def test_interval_covers_the_true_alpha_about_as_often_as_it_says() -> None:
    # Both right or both wrong, less what chance gives: 2 (0.85² + 0.15²) - 1.
    truth = 2 * (0.85**2 + 0.15**2) - 1
    covered = 0
    for seed in range(100):
        ends = interval(noisy(200, seed), replicates=200)
        assert ends is not None
        covered += ends[0] <= truth <= ends[1]
    assert covered >= 88


def test_interval_is_the_same_for_the_same_seed_and_narrows_with_more_units() -> None:
    few, many = noisy(100, 1), noisy(10_000, 1)
    assert interval(few) == interval(few)
    assert interval(few) != interval(few, seed=2)
    wide, narrow = interval(few), interval(many)
    assert wide is not None
    assert narrow is not None
    assert narrow[1] - narrow[0] < 0.2 * (wide[1] - wide[0])


def test_interval_needs_two_units_and_a_statistic_that_is_mostly_defined() -> None:
    assert interval(np.array([[0], [0]])) is None
    assert interval(np.array([[0, 0, 0], [0, 0, 0]])) is None


def test_pairs_are_the_raters_who_share_units_those_who_share_most_first() -> None:
    matrix = np.array(
        [[0, 1, 0, 1, NO], [0, 1, 1, 1, NO], [NO, NO, NO, 0, 1], [NO, NO, NO, NO, 1]],
        dtype=np.int16,
    )
    pairs = pairwise(matrix, ["a", "b", "c", "d"], 2)
    found = [(pair.first, pair.second, pair.tasks) for pair in pairs]
    assert found == [("a", "b", 4), ("a", "c", 1), ("b", "c", 1), ("c", "d", 1)]
    assert pairs[0].agreement == 0.75
    assert pairs[0].kappa == pytest.approx(0.5)
    assert pairs[1].agreement == 0
    assert pairs[3].kappa is None
