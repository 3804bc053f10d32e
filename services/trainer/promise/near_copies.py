"""Near-copies among texts: the same but for punctuation, or for a few words (pure).

Two texts are near-copies if the sets of their runs of five characters agree to 75 % (Jaccard), case
and punctuation aside. MinHash finds the pairs to compare: the least values of 60 hashes, 15 bands
of 4; a pair at 75 % is compared with a probability of 0.997, and one at 85 % of 0.9999.

References
----------
Broder, Compression and Complexity of Sequences, 1997 (MinHash). Indyk and Motwani, STOC 1998.
Lee et al., ACL 2022, arXiv 2107.06499 (near-copies between training and test data).
"""

import re
from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

Hashes = NDArray[np.uint64]

LEAST_JACCARD = 0.75
_RUN = 5
_BANDS, _ROWS = 15, 4
# Beyond these the work would no longer be bounded by the number of texts.
_MOST_CHARACTERS = 2_000
_MOST_COMPARED = 20
_AT_ONCE = 256
# The most known texts whose runs are kept while other texts are compared with them: up to 16 MB.
_MOST_KEPT = 1_000

_NO_WORD = re.compile(r"[\W_]+")
_draws = np.random.default_rng(0)
_FACTORS = _draws.integers(1, 2**63, _BANDS * _ROWS, dtype=np.uint64) | np.uint64(1)
_SUMMANDS = _draws.integers(0, 2**63, _BANDS * _ROWS, dtype=np.uint64)
_POWERS = np.array([0x9E3779B97F4A7C15**power % 2**64 for power in range(_RUN)], dtype=np.uint64)


class NearCopies:
    """Texts to compare others with.

    Parameters
    ----------
    texts
        Of each the first 2,000 characters count.

    Examples
    --------
    >>> known = NearCopies(["Arrived broken, and nobody answers my letters."])
    >>> known.among(["arrived broken and nobody answers my letters!!", "Arrived in time."])
    [True, False]
    """

    def __init__(self, texts: Sequence[str]) -> None:
        self._texts = [_plain(text) for text in texts]
        self._places: dict[tuple[int, int], list[int]] = {}
        for place, bands in enumerate(_signatures(self._texts)):
            for band in enumerate(bands):
                # Of many copies of one text a few are enough to find another.
                found = self._places.setdefault(band, [])
                if len(found) < _MOST_COMPARED:
                    found.append(place)

    def among(self, texts: Sequence[str]) -> list[bool]:
        """Say for each text whether it is a near-copy of a known one."""
        plain = [_plain(text) for text in texts]
        # Texts of one pattern are compared with the same few known ones again and again.
        runs_of = lru_cache(_MOST_KEPT)(_runs)
        return [
            self._is_known(text, bands, runs_of)
            for text, bands in zip(plain, _signatures(plain), strict=True)
        ]

    def _is_known(self, text: str, bands: Sequence[int], runs_of: Callable[[str], Hashes]) -> bool:
        found = {place for band in enumerate(bands) for place in self._places.get(band, ())}
        if not found:
            return False
        runs = _runs(text)
        return any(
            _jaccard(runs, runs_of(self._texts[place])) >= LEAST_JACCARD for place in sorted(found)
        )


def _plain(text: str) -> str:
    return _NO_WORD.sub(" ", text[:_MOST_CHARACTERS].casefold()).strip().ljust(_RUN)


def _runs(text: str) -> Hashes:
    """Return the hashes of a text's different runs of five characters, in order."""
    return np.unique(_hashes([text]))


def _hashes(texts: Sequence[str]) -> Hashes:
    """Return a hash of each run of five characters of each text, one text after the other."""
    joined = "".join(texts).encode("utf-32-le", "replace")
    codes = np.frombuffer(joined, dtype=np.uint32).astype(np.uint64)
    size = len(codes) - _RUN + 1
    # uint64 wraps around, as a polynomial hash is to.
    hashes = sum(
        (codes[place : place + size] * factor for place, factor in enumerate(_POWERS)),
        np.zeros(size, dtype=np.uint64),
    )
    within = np.ones(size, dtype=np.bool_)
    for end in np.cumsum([len(text) for text in texts])[:-1].tolist():
        within[end - _RUN + 1 : end] = False
    return hashes[within]


def _signatures(texts: Sequence[str]) -> Iterator[list[int]]:
    """Yield the bands of each text's MinHash signature."""
    for start in range(0, len(texts), _AT_ONCE):
        some = texts[start : start + _AT_ONCE]
        hashes = _hashes(some)
        sizes = np.array([len(text) - _RUN + 1 for text in some])
        starts = np.cumsum(sizes) - sizes
        values = np.zeros((_BANDS, len(some)), dtype=np.uint64)
        for number, (factor, summand) in enumerate(zip(_FACTORS, _SUMMANDS, strict=True)):
            # The high bits of a product are the well mixed ones, and decide which is the least.
            least = np.minimum.reduceat(hashes * factor + summand, starts)
            values[number // _ROWS] = values[number // _ROWS] * _POWERS[1] + least
        yield from values.T.tolist()


def _jaccard(one: Hashes, other: Hashes) -> float:
    shared = len(np.intersect1d(one, other, assume_unique=True))
    return shared / (len(one) + len(other) - shared)
