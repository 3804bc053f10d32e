"""First runs of a graph on made-up items: does it give probabilities, the same in any batch?"""

from collections.abc import Sequence
from typing import Any

import numpy as np

from shared.contracts.versions import ModelInput, ModelInterface
from shared.fields.spec import KINDS
from shared.graphs.graph import Graph
from shared.graphs.rows import FloatArray, are_distributions
from shared.graphs.session import GraphRefused, runtime_message
from shared.graphs.tensors import Data, Fields

TRIAL_ITEMS = 7
_PAIR = 2
_TOLERANCE = 1e-4


def try_out(graph: Graph, interface: ModelInterface, fields: Fields) -> None:
    """Try a graph on made-up items, alone, in a pair and in a batch of seven.

    Raises `GraphRefused`: a run fails, an answer is no distribution, or depends on what else is in
    the batch.
    """
    items = made_up_items(fields, interface.inputs, TRIAL_ITEMS)
    try_on(graph, items, ["a made-up item"] * len(items))


def try_on(graph: Graph, items: Sequence[Data], names: Sequence[str]) -> None:
    """Try a graph as `try_out` does on items that it `takes`; `names` go into the refusal."""
    if not items:
        return
    alone = np.concatenate([_answers(graph, [item]) for item in items])
    for row, is_good, name in zip(alone, are_distributions(alone), names, strict=True):
        if not is_good:
            raise GraphRefused(
                f"its answer to {name} is not finite probabilities that sum to one: "
                f"{np.array2string(row, precision=4, threshold=8)}"
            )
    for size in {min(_PAIR, len(items)), len(items)}:
        together = _answers(graph, items[:size])
        if not np.allclose(together, alone[:size], rtol=0.0, atol=_TOLERANCE):
            raise GraphRefused(
                f"its answer to {names[0]} or a neighbour changes when they share a batch of "
                f"{size}: each row must depend on its own item alone"
            )


def _answers(graph: Graph, items: Sequence[Data]) -> FloatArray:
    try:
        return graph.run(items)
    except Exception as error:
        raise GraphRefused(
            f"its run on {len(items)} items failed: {runtime_message(error)}"
        ) from error


def made_up_items(
    fields: Fields, inputs: Sequence[ModelInput], count: int, *, longest: bool = False
) -> list[dict[str, Any]]:
    """Return the data of `count` items, the same each time.

    Texts are short, or with `longest` as long as their field allows. Numbers are 0 or 1 where an
    input takes whole ones: that is within the domain of logarithms and tables.
    """
    chance = np.random.default_rng(0)
    whole = {name for entry in inputs if KINDS.get(entry.dtype) == "int64" for name in entry.fields}
    return [
        {
            name: spec.sample(chance, whole=name in whole, longest=longest)
            for name, spec in fields.items()
        }
        for _ in range(count)
    ]
