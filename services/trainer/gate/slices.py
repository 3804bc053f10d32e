"""Whether a version is worse on a declared slice (pure)."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace

from services.trainer.gate.pairs import Pair, count
from services.trainer.gate.spending import holm
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
    """
    found = _slices(pairs, keys)
    large = sorted((len(rows), name) for name, rows in found.items() if len(rows) >= least)
    tested = {name for _, name in large[-MOST_SLICES:]}
    counts = {name: count(rows) for name, rows in found.items()}
    figures = [
        SliceFigures(*name, one, p_worse(one, margin) if name in tested else None)
        for name, one in counts.items()
    ]
    figures.sort(key=lambda one: (one.p_value is None, one.p_value or 0.0, one.key, one.value))
    worse = sum(holm([one.p_value for one in figures if one.p_value is not None], alpha))
    return [replace(one, is_worse=place < worse) for place, one in enumerate(figures)]


def _slices(pairs: Sequence[Pair], keys: Sequence[str]) -> dict[tuple[str, str], list[Pair]]:
    found: dict[tuple[str, str], list[Pair]] = defaultdict(list)
    for pair in pairs:
        for key in keys:
            value = pair.metadata.get(key)
            if value is not None and not isinstance(value, (dict, list)):
                found[key, str(value)[:_LONGEST_VALUE]].append(pair)
    return found
