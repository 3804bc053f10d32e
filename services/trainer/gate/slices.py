"""Whether a version is worse on a declared slice (pure)."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from services.trainer.gate.pairs import Pair, count
from services.trainer.gate.tango import PairCounts, p_worse

MOST_SLICES = 200
_LONGEST_VALUE = 100


@dataclass(frozen=True)
class SliceFigures:
    """One slice: the items whose metadata have `value` under `key`.

    `p_value` is None where it has too few items to be tested. `is_worse`: Holm's procedure over all
    slices that are tested finds it worse than the margin allows.
    """

    key: str
    value: str
    counts: PairCounts
    p_value: float | None
    is_worse: bool = False


def judge_slices(
    pairs: Sequence[Pair],
    keys: Sequence[str],
    *,
    margin: float,
    alpha: float,
    least: int,
) -> list[SliceFigures]:
    """Test each declared slice for a regression, most likely ones first.

    The chance to find any slice worse where none is, is at most `alpha` (Holm).

    Parameters
    ----------
    keys
        Metadata keys; each value of a key is a slice. Of more than 200 the largest are tested, and
        the others count as too small.
    margin : in [0, 1)
        What a slice's accuracy may fall by.
    least : at least 1
        Slices with fewer items are listed, not tested.

    References
    ----------
    Holm, Scandinavian Journal of Statistics 6, 1979.
    """
    found = _slices(pairs, keys)
    large = sorted((len(rows), name) for name, rows in found.items() if len(rows) >= least)
    tested = {name for _, name in large[-MOST_SLICES:]}
    figures = [
        _figures(name, rows, margin if name in tested else None) for name, rows in found.items()
    ]
    figures.sort(key=lambda one: (one.p_value is None, one.p_value or 0.0, one.key, one.value))
    worse = _holm([one.p_value for one in figures if one.p_value is not None], alpha)
    return [
        SliceFigures(one.key, one.value, one.counts, one.p_value, is_worse=place < worse)
        for place, one in enumerate(figures)
    ]


def _slices(pairs: Sequence[Pair], keys: Sequence[str]) -> dict[tuple[str, str], list[Pair]]:
    found: dict[tuple[str, str], list[Pair]] = defaultdict(list)
    for pair in pairs:
        for key in keys:
            value = pair.metadata.get(key)
            if value is not None and not isinstance(value, (dict, list)):
                found[key, str(value)[:_LONGEST_VALUE]].append(pair)
    return found


def _figures(name: tuple[str, str], rows: Sequence[Pair], margin: float | None) -> SliceFigures:
    counts = count(rows)
    return SliceFigures(*name, counts, None if margin is None else p_worse(counts, margin))


def _holm(sorted_p_values: Sequence[float], alpha: float) -> int:
    """Return how many of the smallest p-values are significant together."""
    for place, p_value in enumerate(sorted_p_values):
        if p_value > alpha / (len(sorted_p_values) - place):
            return place
    return len(sorted_p_values)
