"""`text-embedding` with a memory: what the encoder made of a text is computed once.

The draws of a benchmark share most of their texts, and an encoder takes milliseconds for each.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper

from services.trainer.recipes.encoder import EMBEDDING
from services.trainer.recipes.recipe import FittedModel, Float32Array, Progress, TrainingData
from services.trainer.recipes.text_embedding import Embedder, fit_text_embedding
from services.trainer.recipes.wordpieces import split
from shared.contracts.versions import ModelInput, ModelInterface
from shared.fields.vector import VectorField
from shared.graphs.graph import Graph

_VECTOR = "embedding"
_KNOWN: dict[Any, Float32Array] = {}


@dataclass(frozen=True)
class RememberingEmbedder(Embedder):
    """Keeps vectors by the words that the graph finds in the texts: they depend on nothing else."""

    def vectors(
        self,
        rows: Sequence[Mapping[str, str]],
        report: Progress = lambda _share, _words: None,
    ) -> Float32Array:
        """Return the vectors of rows, shape (n, d), each of length 1."""
        words = frozenset(self.table.words)
        keys = [
            tuple(
                tuple(word if word in words else "" for word in split(row[field]))
                for field in self.fields
            )
            for row in rows
        ]
        fresh = {key: row for key, row in zip(keys, rows, strict=True) if key not in _KNOWN}
        _KNOWN.update(zip(fresh, super().vectors(list(fresh.values()), report), strict=True))
        return np.stack([_KNOWN[key] for key in keys])


def fit_remembering(data: TrainingData, seed: int) -> tuple[FittedModel, Embedder]:
    """Fit `text-embedding`; return the model, and what makes the vectors of further texts."""
    made: list[Embedder] = []

    def embedder_of(data: TrainingData) -> Embedder:
        made.append(RememberingEmbedder.of(data))
        return made[-1]

    return fit_text_embedding(data, seed=seed, embedder_of=embedder_of), made[-1]


def probabilities_of(
    fitted: FittedModel,
    interface: ModelInterface,
    data: TrainingData,
    embedder: Embedder,
    rows: Sequence[Mapping[str, str]],
) -> Float32Array:
    """Run the graph on rows, shape (n, K), from where the encoder ends."""
    width = embedder.encoder.width
    vector = ModelInput(name=EMBEDDING, field=_VECTOR, dtype="float32", shape=[-1, width])
    graph = Graph(
        _without_encoder(fitted.onnx, width),
        interface.model_copy(update={"inputs": [*interface.inputs, vector]}),
        {**data.specs, _VECTOR: VectorField(length=width)},
    )
    vectors = embedder.vectors(rows).tolist()
    return graph.run([{**row, _VECTOR: one} for row, one in zip(rows, vectors, strict=True)])


def _without_encoder(model: bytes, width: int) -> bytes:
    """Make the vector an input, and leave out the nodes that made it."""
    found = onnx.load_model_from_string(model)
    maker = {name: node for node in found.graph.node for name in node.output}
    wanted, kept = [found.graph.output[0].name], set[str]()
    while wanted:
        node = maker.get(wanted.pop())
        if node is not None and EMBEDDING not in node.output and node.output[0] not in kept:
            kept.add(node.output[0])
            wanted += node.input
    nodes = [node for node in found.graph.node if node.output[0] in kept]
    read = {name for node in nodes for name in node.input}
    constants = [one for one in found.graph.initializer if one.name in read]
    del found.graph.node[:], found.graph.initializer[:]
    found.graph.node.extend(nodes)
    found.graph.initializer.extend(constants)
    found.graph.input.append(
        helper.make_tensor_value_info(EMBEDDING, TensorProto.FLOAT, [None, width])
    )
    return bytes(found.SerializeToString())
