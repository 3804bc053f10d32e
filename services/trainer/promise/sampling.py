"""The draw of a certification's items from those that may be drawn (pure)."""

import numpy as np

POOL_ORDER = "the pool's random order"
"""The seed of a draw from the pool, whose order is random from the import on."""


def places_drawn(kind: str, seed: str, size: int, labels: int) -> list[int]:
    """Return the places of the drawn items among `size`, in the order of the draw.

    Parameters
    ----------
    kind
        Of the population: ``traffic`` is drawn from by the seed, ``pool`` from its beginning.
    seed
        A number in decimals for traffic.
    labels : in 1..size

    Raises
    ------
    ValueError
        Another kind, or a seed that is none.

    Examples
    --------
    >>> places_drawn("pool", POOL_ORDER, 5, 2), places_drawn("traffic", "1", 5, 2)
    ([0, 1], [1, 2])
    """
    if kind == "pool" and seed == POOL_ORDER:
        return list(range(labels))
    if kind == "traffic" and seed.isdecimal() and seed.isascii() and len(seed) < 20:
        chosen = np.random.default_rng(int(seed)).choice(size, labels, replace=False)
        places: list[int] = chosen.tolist()
        return places
    raise ValueError(f"this release knows no draw from {kind!r} by {seed!r}")
