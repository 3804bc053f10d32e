"""Failing slices: how often a planted one is found, and how often one is invented.

    python -m bench science slices --runs 200

Items have five metadata keys of five values each. A slice of two predicates, 4 % of the items,
fails three times as often as the others; in quiet runs it fails no more often.
"""

import argparse

import numpy as np

from services.trainer.monitoring.slices.finding import LabelledItems, find_slices

_KEYS, _VALUES = 5, 5
_PREDICATES = [(f"key{key}", f"value{value}") for key in range(_KEYS) for value in range(_VALUES)]
_PLANTED = {("key0", "value1"), ("key1", "value2")}
# Judged items, and the error rate of those outside the slice.
_SETTINGS = ((3_000, 0.1), (5_000, 0.1), (5_000, 0.05), (8_000, 0.05), (8_000, 0.1))


def main(arguments: list[str]) -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(prog="bench science slices")
    parser.add_argument("--runs", type=int, default=200)
    runs: int = parser.parse_args(arguments).runs
    print("items  error rate | planted slice found | a slice named where there is none")
    for items, rate in _SETTINGS:
        random = np.random.default_rng([items, round(1000 * rate)])
        found = [find_slices(_evidence(random, items, rate, factor=3)) for _ in range(runs)]
        hits = sum(any(set(s.predicates) == _PLANTED for s in one.slices) for one in found)
        quiet = [find_slices(_evidence(random, items, rate, factor=1)) for _ in range(runs)]
        named = sum(bool(one.slices) for one in quiet)
        print(f"{items:5d}  {rate:10.0%} | {hits / runs:19.1%} | {named / runs:6.1%}", flush=True)


def _evidence(random: np.random.Generator, items: int, rate: float, factor: float) -> LabelledItems:
    values = random.integers(0, _VALUES, size=(items, _KEYS))
    holds = np.zeros((items, _KEYS * _VALUES), dtype=bool)
    for key in range(_KEYS):
        holds[np.arange(items), _VALUES * key + values[:, key]] = True
    planted = (values[:, 0] == 1) & (values[:, 1] == 2)
    return LabelledItems(
        predicates=_PREDICATES,
        holds=holds,
        wrong=random.random(items) < np.where(planted, factor * rate, rate),
        weights=np.ones(items),
        confirming=random.random(items) < 0.5,
    )
