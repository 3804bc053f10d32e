"""How tests share the chance of an error: one after the other, or all at once (pure)."""

import math
from collections.abc import Sequence


def try_alpha(alpha: float, number: int) -> float:
    """Return what the given try may spend of `alpha`: alpha * 6 / (pi² k²) for the k-th.

    The sum over all k is `alpha`, so the chance that any of the versions passes though it is worse
    by the margin is at most `alpha`, however many are tried (union bound).

    Parameters
    ----------
    alpha : in (0, 1)
    number : the try's number among all against one champion, counted from 1

    Raises
    ------
    ValueError
        A number below 1, or alpha out of range.

    Examples
    --------
    >>> [round(try_alpha(0.05, k), 5) for k in (1, 2, 20)]
    [0.0304, 0.0076, 8e-05]
    """
    if number < 1:
        raise ValueError("tries are counted from 1")
    if not 0 < alpha < 1:
        raise ValueError("alpha must lie in (0, 1)")
    return alpha * 6 / (math.pi * number) ** 2


def holm(p_values: Sequence[float], level: float = 0.05) -> list[bool]:
    """Say which hypotheses are rejected, so that any is wrongly with a chance of at most `level`.

    References
    ----------
    Holm, Scandinavian Journal of Statistics 6, 1979.

    Examples
    --------
    >>> holm([0.04, 0.001, 0.03])
    [False, True, False]
    """
    rejected = [False] * len(p_values)
    for rank, place in enumerate(sorted(range(len(p_values)), key=lambda at: p_values[at])):
        if p_values[place] > level / (len(p_values) - rank):
            break
        rejected[place] = True
    return rejected
