"""Made-up items that pass `check_data`, to try a graph with."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from shared.contracts.versions import ModelInput
from shared.fields.encoding import KINDS
from shared.graphs.tensors import Fields


def made_up_items(
    fields: Fields,
    inputs: Sequence[ModelInput],
    count: int,
    *,
    seed: int = 0,
    longest: bool = False,
) -> list[dict[str, Any]]:
    """Return the data of `count` items, the same for the same seed.

    Texts are short, or with `longest` as long as their field allows. Numbers are 0 or 1 where an
    input takes whole ones: that is within the domain of logarithms and tables.
    """
    chance = np.random.default_rng(seed)
    whole = {name for entry in inputs if KINDS.get(entry.dtype) == "int64" for name in entry.fields}
    return [
        {
            name: spec.sample(chance, whole=name in whole, longest=longest)
            for name, spec in fields.items()
        }
        for _ in range(count)
    ]
