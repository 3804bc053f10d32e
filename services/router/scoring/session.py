"""One loaded graph: checked and warmed before it may score."""

import time
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import onnxruntime as ort

from services.router.routing import FloatArray, scores_of
from services.router.scoring.tensors import input_fault, runtime_fault, synthetic_item, tensors
from shared.contracts.projects import FieldSpec
from shared.contracts.versions import Manifest

_WARM_UP_RUNS = 3
_FATAL_ONLY = 4


class ScoringRefused(Exception):  # noqa: N818 - says what was done with the graph
    """The graph cannot serve; the message is for the operator."""


class Scorer:
    """Class probabilities from one graph. Safe to call from several tasks at a time."""

    def __init__(
        self,
        model: bytes,
        manifest: Manifest,
        fields: Mapping[str, FieldSpec],
        *,
        threads: int,
    ) -> None:
        """Load, check and warm up: slow, so call it in a thread.

        Raises
        ------
        ScoringRefused
            ONNX Runtime cannot load it, its inputs or output are not what the manifest and the
            project say, or its first answers are no probabilities.
        """
        self._inputs = manifest.inputs
        self._output = manifest.outputs.get("probabilities", "")
        self._session = _session(model, threads)
        self.outputs = {
            entry.name: (
                entry.type,
                [size if isinstance(size, int) else -1 for size in entry.shape],
            )
            for entry in self._session.get_outputs()
        }
        """Each output's ONNX type and shape, -1 where a size is open."""
        self._check_signature(fields)
        self.seconds_per_item = self._warm_up(synthetic_item(fields), len(manifest.labels))

    def score(self, items: Sequence[Mapping[str, Any]]) -> FloatArray:
        """Return the probabilities of `items` (each its `data`), float32, shape (n, K)."""
        probabilities: FloatArray = self.run([self._output], items)[0]
        return probabilities

    def run(self, outputs: Sequence[str], items: Sequence[Mapping[str, Any]]) -> list[Any]:
        """Return the graph's own `outputs` for `items`, as ONNX Runtime gives them."""
        arrays: list[Any] = self._session.run(outputs, tensors(self._inputs, items))
        return arrays

    def _check_signature(self, fields: Mapping[str, FieldSpec]) -> None:
        types = {entry.name: entry.type for entry in self._session.get_inputs()}
        for entry in self._inputs:
            fault = input_fault(entry, fields) or runtime_fault(entry, types.pop(entry.name, None))
            if fault:
                raise ScoringRefused(fault)
        if types:
            raise ScoringRefused(f"the manifest does not feed {', '.join(sorted(types))}")
        if self._output not in self.outputs:
            raise ScoringRefused("the graph does not have the output `probabilities` names")

    def _warm_up(self, item: Mapping[str, Any], n_labels: int) -> float:
        """Run batches of one and of two; return the seconds that an item takes, at best."""
        seconds = []
        for _ in range(_WARM_UP_RUNS):
            for count in (1, 2):
                started = time.perf_counter()
                self._check_answer(self._trial([item] * count), count, n_labels)
                seconds.append(time.perf_counter() - started)
        return min(seconds)

    def _trial(self, items: Sequence[Mapping[str, Any]]) -> Any:
        try:
            return self.score(items)
        except Exception as error:
            raise ScoringRefused(f"its first run failed: {type(error).__name__}") from error

    def _check_answer(self, answer: Any, count: int, n_labels: int) -> None:
        if not isinstance(answer, np.ndarray) or answer.dtype != np.float32:
            raise ScoringRefused("its probabilities are not float32")
        if answer.shape != (count, n_labels):
            raise ScoringRefused(
                f"its probabilities have shape {answer.shape}, not {(count, n_labels)}"
            )
        if None in scores_of(answer):
            raise ScoringRefused("its rows are not finite probabilities that sum to one")


def _session(model: bytes, threads: int) -> Any:
    options = ort.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.log_severity_level = _FATAL_ONLY
    # Idle threads that spin would take the CPU from the event loop.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    try:
        return ort.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    except Exception as error:
        raise ScoringRefused(f"ONNX Runtime cannot load it: {type(error).__name__}") from error
