"""Intervals of a share (pure)."""

import math

_Z95 = 1.959964


def wilson(hits: int, of: int) -> tuple[float, float]:
    """Return Wilson's 95 % interval of a share; [0, 1] when nothing was counted.

    References
    ----------
    Wilson, JASA 22 (1927).
    """
    if of == 0:
        return 0.0, 1.0
    share, z2 = hits / of, _Z95**2
    centre = (share + z2 / (2 * of)) / (1 + z2 / of)
    half = _Z95 / (1 + z2 / of) * math.sqrt(share * (1 - share) / of + z2 / (4 * of * of))
    return max(0.0, centre - half), min(1.0, centre + half)
