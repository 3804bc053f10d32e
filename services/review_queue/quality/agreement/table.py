"""Ratings as the coefficients take them: how often each unit got each class (pure)."""

from collections import Counter
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise

import numpy as np
from numpy.typing import ArrayLike, NDArray

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]

MISSING = -1


@dataclass(frozen=True)
class RatingTable:
    """How many raters gave each class to each unit, without the zeros.

    Attributes
    ----------
    unit, code, count : IntArray of shape (entries,)
        `count` raters gave class `code` to `unit`. Sorted by unit and code, each pair once.
    units, classes : int
        How many units, and how many classes raters could choose from.
    """

    unit: IntArray
    code: IntArray
    count: IntArray
    units: int
    classes: int

    @classmethod
    def from_ratings(
        cls, unit: ArrayLike, code: ArrayLike, *, units: int, classes: int
    ) -> "RatingTable":
        """Count ratings that are listed one by one.

        Parameters
        ----------
        unit : array-like of shape (ratings,), in 0..units-1
        code : array-like of shape (ratings,), in 0..classes-1

        Raises
        ------
        ValueError
            The two differ in length, or one lies outside its range.
        """
        rated, given = np.asarray(unit, dtype=np.int64), np.asarray(code, dtype=np.int64)
        if rated.shape != given.shape or rated.ndim != 1:
            raise ValueError("unit and code must be two lists of one length")
        if rated.size and not (
            0 <= rated.min() <= rated.max() < units and 0 <= given.min() <= given.max() < classes
        ):
            raise ValueError("a unit or a class lies outside its range")
        cells, count = np.unique(rated * classes + given, return_counts=True)
        return cls(cells // classes, cells % classes, count.astype(np.int64), units, classes)

    @cached_property
    def sizes(self) -> FloatArray:
        """Ratings of each unit, shape (units,)."""
        return np.bincount(self.unit, self.count, minlength=self.units).astype(np.float64)

    def distinct(self) -> tuple["RatingTable", IntArray]:
        """Return the different units, and how often each occurs: shape (units of the result,).

        To every coefficient units with the same ratings are the same, and there are few different
        ones: to resample a million units is to resample some hundred frequencies.
        """
        starts = np.searchsorted(self.unit, np.arange(self.units + 1))
        cells = np.stack([self.code, self.count], axis=1)
        keys = [cells[start:end].tobytes() for start, end in pairwise(starts)]
        frequency = Counter(keys)
        first = {key: unit for unit, key in reversed(list(enumerate(keys)))}
        is_kept = np.zeros(self.units, dtype=bool)
        is_kept[list(first.values())] = True
        entry = is_kept[self.unit]
        number = np.cumsum(is_kept) - 1
        kept = RatingTable(
            number[self.unit[entry]],
            self.code[entry],
            self.count[entry],
            len(frequency),
            self.classes,
        )
        return kept, np.array(list(frequency.values()), dtype=np.int64)
