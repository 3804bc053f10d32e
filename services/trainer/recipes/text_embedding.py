"""Recipe `text-embedding`: a small encoder's vectors beside the terms of `text-linear`.

The encoder was trained on English texts, so fewer labels are needed; the terms cover words that it
does not know. It takes 7 to 10 ms a text, and each version's file contains it (25 MB). Tokenizer
and encoder are plain ONNX: routers need no further package. See Reimers and Gurevych (EMNLP 2019).
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import onnxruntime as ort
from onnx import helper
from scipy.sparse import csr_matrix
from threadpoolctl import threadpool_limits

from services.trainer.recipes.calibration import Calibration
from services.trainer.recipes.crossfit import content_keys, folds_for
from services.trainer.recipes.encoder import (
    EMBEDDING,
    WordPieceEncoder,
    WordTable,
    embedding_nodes,
    load_encoder,
    word_table,
)
from services.trainer.recipes.exporting import constant
from services.trainer.recipes.features import HeadSettings, LinearHead, Terms, fit_terms
from services.trainer.recipes.graph import graph_inputs, probability_nodes, term_nodes
from services.trainer.recipes.recipe import (
    FittedModel,
    Float32Array,
    FloatArray,
    Progress,
    Recipe,
    RecipeOfTypes,
    TrainingData,
    silent,
)
from services.trainer.recipes.tuning import fit_tuned
from shared.fields.text import TextField

_PARITY_ROWS = 50
# The vector counts as much as two kinds of terms, and the whole is regularised more strongly.
_SCALE = 2.0
_USUAL = HeadSettings(inverse_regularisation=10.0)
_LOGITS = "/vectors/logits"
_REPORTED_EVERY = 100


@dataclass(frozen=True)
class Embedder:
    """Texts to vectors by the graph that the version will have, one text at a time.

    Padding costs more than batches save. `inputs` are the graph's, one a field.
    """

    inputs: list[dict[str, Any]]
    fields: list[str]
    table: WordTable
    encoder: WordPieceEncoder
    session: Any

    @classmethod
    def of(cls, data: TrainingData) -> Self:
        """Make the graph for the words of `data`; `RecipeRefused`: no encoder is installed."""
        encoder = load_encoder()
        table = word_table([[row[field] for row in data.rows] for field in data.fields], encoder)
        inputs = graph_inputs(data.fields)
        nodes, constants = embedding_nodes(inputs, table, encoder)
        parts = (nodes, constants, inputs, encoder.width)
        model = encoder.serialise("embedding", *parts, output=EMBEDDING)
        options = ort.SessionOptions()
        options.intra_op_num_threads = 1
        options.enable_cpu_mem_arena = False
        session = ort.InferenceSession(model, options, providers=["CPUExecutionProvider"])
        return cls(inputs, data.fields, table, encoder, session)

    def vectors(self, rows: Sequence[Mapping[str, str]], report: Progress = silent) -> Float32Array:
        """Return the vectors of rows, shape (n, d), each of length 1."""
        found = np.zeros((len(rows), self.encoder.width), dtype=np.float32)
        for i, row in enumerate(rows):
            feeds = {
                entry["name"]: np.array([[row[entry["field"]]]], dtype=object)
                for entry in self.inputs
            }
            found[i] = self.session.run([EMBEDDING], feeds)[0][0]
            if i % _REPORTED_EVERY == 0:
                report(0.1 * i / len(rows), f"{i} of {len(rows)} texts encoded")
        return found


@dataclass(frozen=True)
class _Pipeline:
    """The trained pipeline: the reference of the exported graph."""

    embedder: Embedder
    terms: list[Terms]
    head: LinearHead
    calibration: Calibration

    def predict_proba(self, rows: Sequence[Mapping[str, str]]) -> FloatArray:
        """Calibrated class probabilities, shape (n, K), in the project's label order."""
        counts = [one.counts(rows) for one in self.terms]
        logits = self.head.logits(counts, csr_matrix(_SCALE * self.embedder.vectors(rows)))
        return self.calibration.probabilities(logits)

    def onnx(self) -> bytes:
        """Serialise the pipeline as one graph: string [n, 1] a field in, float32 [n, K] out."""
        made = self.embedder
        weights, bias = self.head.affine()
        of_vectors = (_SCALE * weights[-made.encoder.width :]).astype(np.float32)
        encoding, encoder = embedding_nodes(made.inputs, made.table, made.encoder)
        nodes, constants, logits = term_nodes(made.fields, self.terms, self.head)
        multiplied = helper.make_node("MatMul", [EMBEDDING, "/weights"], [_LOGITS])
        last, more = probability_nodes([*logits, _LOGITS], bias, self.calibration)
        constants += [*encoder, *more, constant("/weights", of_vectors)]
        whole = [*encoding, *nodes, multiplied, *last]
        return made.encoder.serialise("text-embedding", whole, constants, made.inputs, len(bias))


def fit_text_embedding(
    data: TrainingData,
    *,
    seed: int = 0,
    progress: Progress = silent,
    embedder_of: Callable[[TrainingData], Embedder] = Embedder.of,
) -> FittedModel:
    """Encode the texts once, fit and calibrate a head on the vectors, export, check the export.

    Made for 50 to 10,000 rows: a text takes some milliseconds. `embedder_of` is for benchmarks,
    which remember vectors from one draw to the next.

    Raises
    ------
    RecipeRefused
        The encoder is not installed, there are too few labels (as for `text-linear`), or the graph
        does not answer as the pipeline does.
    """
    keys = content_keys(data.rows, data.fields)
    fold_of = folds_for(data, keys, seed=seed)
    with threadpool_limits(limits=1):
        embedder = embedder_of(data)
        vectors = csr_matrix(_SCALE * embedder.vectors(data.rows, progress))
        terms, counts = fit_terms(data.rows, data.fields)

        def export(head: LinearHead, calibration: Calibration) -> tuple[_Pipeline, bytes]:
            pipeline = _Pipeline(embedder, terms, head, calibration)
            return pipeline, pipeline.onnx()

        return fit_tuned(
            data,
            keys,
            fold_of,
            counts,
            export,
            progress,
            parity_rows=_PARITY_ROWS,
            vectors=vectors,
            usual=_USUAL,
        )


RECIPE: Recipe = RecipeOfTypes("text-embedding", (TextField,), fit_text_embedding)
