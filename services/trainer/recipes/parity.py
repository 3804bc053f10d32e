"""The parity check: an exported graph must answer as the trained pipeline does."""

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

import numpy as np

from services.trainer.recipes.exporting import OUTPUT
from services.trainer.recipes.recipe import FloatArray, RecipeRefused
from shared.contracts.versions import ModelInput, ModelInterface
from shared.fields.text import TextField
from shared.graphs.graph import Graph
from shared.graphs.session import GraphRefused
from shared.graphs.signature import PROBABILITIES
from shared.graphs.tensors import Fields

TOLERANCE = 1e-5
# Two labels closer than float32 can tell apart may change places.
_TIE = 2e-6
# What real traffic sends sooner or later, and where string handling differs between libraries.
NASTY_TEXTS = (
    "",
    " ",
    "\n\t\r\n",
    "a",
    "!!! ... ###",
    "line one\nline two\r\nline three",
    "ALL CAPS AND MiXeD CaSe",
    "naïve café Straße ÀÉÎ ß ẞ",
    "\u039f\u0394\u03a5\u03a3\u03a3\u0395\u03a5\u03a3 \u03c2 \u03c3",
    "\u0130stanbul ISPARTA \u0131l\u0131k",
    "Привет, МИР! один два",
    "日本語のテキスト 中文文本 한국어",
    "مرحبا بالعالم עברית",
    "हिन्दी में लेख",
    "love 😀😀 🏳️‍🌈 👩‍👩‍👧 hate 💔",
    "e\u0301cole zero\u200bwidth soft\u00adhyphen non\u00a0breaking",
    "x²³ ½ Ⅷ ١٢٣ under_score __init__ 12345",
    "<p>&amp; https://example.com/?q=1&r=2 @user #tag</p>",
    "word " * 5_000,
    "x" * 20_000,
)


class Reference(Protocol):
    """A trained pipeline: rows in, probabilities (n, K) in the project's label order out."""

    def predict_proba(self, rows: Sequence[Mapping[str, Any]]) -> FloatArray:
        """Probabilities of the rows, in order."""


def nasty_rows(fields: Sequence[str]) -> list[dict[str, str]]:
    """Every nasty text in every field, each field one text further than the one before."""
    n = len(NASTY_TEXTS)
    return [
        {field: NASTY_TEXTS[(i + offset) % n] for offset, field in enumerate(fields)}
        for i in range(n)
    ]


def spread(rows: Sequence[dict[str, Any]], most: int) -> list[dict[str, Any]]:
    """Return at most so many of the rows, evenly spread."""
    return list(rows[:: -(-len(rows) // most)])


def check_parity(
    onnx: bytes,
    inputs: Sequence[Mapping[str, Any]],
    reference: Reference,
    rows: Sequence[Mapping[str, Any]],
    *,
    specs: Fields | None = None,
    tolerance: float = TOLERANCE,
    output: str = OUTPUT,
) -> float:
    """Compare a serialised graph with the pipeline that was trained, on at least one row.

    The graph is run as the router runs it. `specs` are the fields that feed it; without them all
    are texts.

    Returns
    -------
    float in [0, tolerance]
        The largest absolute difference of one probability.

    Raises
    ------
    RecipeRefused
        Another signature, a difference above the tolerance, a value that is not finite, or another
        predicted label (unless the reference's two best labels tie up to rounding).
    """
    expected = reference.predict_proba(rows)
    actual = open_graph(onnx, inputs, expected.shape[1], specs, output).run(rows).astype(np.float64)
    differences = np.where(np.isfinite(actual), np.abs(actual - expected), np.inf).max(axis=1)
    worst = int(differences.argmax())
    if differences[worst] > tolerance:
        raise RecipeRefused(
            f"row {worst}: the graph differs from the trained pipeline by "
            f"{differences[worst]:.2g}, more than {tolerance:g}"
        )
    chosen = np.take_along_axis(expected, actual.argmax(axis=1)[:, None], axis=1)[:, 0]
    swapped = np.flatnonzero(expected.max(axis=1) - chosen > _TIE)
    if len(swapped):
        raise RecipeRefused(f"row {swapped[0]}: the graph predicts another label than the pipeline")
    return float(differences[worst])


def open_graph(
    onnx: bytes,
    inputs: Sequence[Mapping[str, Any]],
    n_labels: int,
    specs: Fields | None,
    output: str = OUTPUT,
) -> Graph:
    """Open a graph as the router does; `RecipeRefused`: it does not load, or has other inputs."""
    interface = ModelInterface(
        labels=[str(column) for column in range(n_labels)],
        inputs=[ModelInput.model_validate(entry) for entry in inputs],
        outputs={PROBABILITIES: output},
    )
    if specs is None:
        specs = {name: TextField() for entry in interface.inputs for name in entry.fields}
    try:
        return Graph(onnx, interface, specs)
    except GraphRefused as error:
        raise RecipeRefused(f"the graph is not the pipeline's: {error}") from error
