"""An encoder that an operator has uploaded: items' fields to vectors, by one ONNX graph."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import onnx

from services.trainer.recipes.recipe import Float32Array, RecipeRefused
from shared.contracts.versions import ModelInput
from shared.fields.spec import Unscorable
from shared.graphs.deadline import RunTimedOut, run_within
from shared.graphs.session import GraphRefused, open_session, runtime_message
from shared.graphs.signature import check_inputs
from shared.graphs.tensors import Feeder, Fields
from shared.graphs.trial import TRIAL_ITEMS, made_up_items

MOST_WIDTH = 8_192
"""Longer vectors would make a head, and the matrix that it learns from, too large."""
OLDEST_OPSET = 13
"""The head's operators mean the same in every opset from this one on."""
_BATCH = 16
_MATRIX = 2
_OUTPUT = "/manifest/outputs/vector"
_TOLERANCE = 1e-3


@dataclass(frozen=True)
class OwnEncoder:
    """A loaded encoder.

    Attributes
    ----------
    model : its file
    inputs : how fields feed it
    output : name of its float output, shape [n, d]
    fields : the project's, by name
    """

    model: bytes
    inputs: list[ModelInput]
    output: str
    fields: Fields
    session: Any
    feeder: Feeder

    @classmethod
    def open(cls, model: bytes, inputs: list[ModelInput], output: str, fields: Fields) -> Self:
        """Load it: slow.

        Raises `GraphRefused`: it does not load, its inputs are not what `inputs` says, it has no
        such output, or it was exported for an opset that is too old.
        """
        session = open_session(model, 1)
        check_inputs(session, inputs, fields)
        _check_output(session, output)
        opsets = onnx.load_model_from_string(model).opset_import
        opset = max((one.version for one in opsets if one.domain in ("", "ai.onnx")), default=0)
        if opset < OLDEST_OPSET:
            raise GraphRefused(
                f"it is written in opset {opset}: export it in opset {OLDEST_OPSET} or later"
            )
        return cls(model, inputs, output, fields, session, Feeder(inputs, fields))

    @property
    def names(self) -> list[str]:
        """The fields that feed it, each once, in the order of its inputs."""
        return list(dict.fromkeys(name for entry in self.inputs for name in entry.fields))

    def vectors(self, items: Sequence[Mapping[str, Any]]) -> Float32Array:
        """Return the vectors of n items, shape (n, d).

        Raises
        ------
        RecipeRefused
            It cannot take an item, fails on one, or answers with no finite vector.
        """
        starts = range(0, len(items), _BATCH)
        try:
            return _joined([self._run(items[start : start + _BATCH]) for start in starts])
        except Unscorable as error:
            raise RecipeRefused(f"the encoder cannot take an item: {error}") from error
        except GraphRefused as error:
            raise RecipeRefused(f"the encoder: {error}") from error

    def tried_width(self) -> int:
        """Try made-up items alone, in a pair and in a batch of seven; return d.

        Raises `GraphRefused`: a run fails, or a vector is not finite, too long, of another length
        than the one before, or depends on what else is in the batch.
        """
        items = made_up_items(self.fields, self.inputs, TRIAL_ITEMS)
        alone = _joined([self._run([item]) for item in items])
        for count in (2, len(items)):
            found = self._run(items[:count])
            # Arrays of other shapes may still be compared with each other.
            is_alike = found.shape == alone[:count].shape
            if not is_alike or not np.allclose(found, alone[:count], atol=_TOLERANCE):
                raise GraphRefused(
                    f"its vector of an item changes when {count} share a batch: each row must "
                    "depend on its own item alone"
                )
        return int(alone.shape[1])

    def _run(self, items: Sequence[Mapping[str, Any]]) -> Float32Array:
        try:
            found: Any = run_within(
                self.session, math.inf, [self.output], self.feeder.feeds(items)
            )[0]
        except (Unscorable, RunTimedOut):
            raise
        except Exception as error:
            raise GraphRefused(
                f"its run on {len(items)} items failed: {runtime_message(error)}"
            ) from error
        if (
            found.ndim != _MATRIX
            or len(found) != len(items)
            or not 0 < found.shape[1] <= MOST_WIDTH
        ):
            raise GraphRefused(
                f"output {self.output} has shape {found.shape} for {len(items)} items: it needs "
                f"one vector an item, of at most {MOST_WIDTH} numbers",
                _OUTPUT,
            )
        if not np.isfinite(found).all():
            raise GraphRefused(f"output {self.output} has a number that is not finite", _OUTPUT)
        return np.asarray(found, dtype=np.float32)


def _joined(parts: Sequence[Float32Array]) -> Float32Array:
    widths = {part.shape[1] for part in parts}
    if len(widths) > 1:
        raise GraphRefused(
            f"its vectors have different lengths, such as {min(widths)} and {max(widths)}: each "
            "must be as long as the others",
            _OUTPUT,
        )
    return np.concatenate(parts)


def _check_output(session: Any, output: str) -> None:
    found = {entry.name: entry for entry in session.get_outputs()}
    if output not in found:
        names = ", ".join(sorted(found))
        raise GraphRefused(f"it has no output {output}, but {names}", _OUTPUT)
    kind, shape = found[output].type, found[output].shape
    if kind != "tensor(float)":
        raise GraphRefused(f"output {output} is {kind}: a vector is of float32", _OUTPUT)
    if shape and len(shape) != _MATRIX:
        raise GraphRefused(
            f"output {output} has shape {list(shape)}: it needs one vector an item, such as the "
            "mean over a text's tokens",
            _OUTPUT,
        )
