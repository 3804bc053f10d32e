"""The graph that every peer serves. Imports nothing of ours: peers run in environments of theirs.

`BENCH_MODEL` is the ONNX file, `BENCH_PORT` where to listen, `BENCH_MODE` is
`batch` to batch, `fixed` to answer without the graph.
"""

import os
from collections.abc import Sequence
from typing import Any

import numpy as np
import onnxruntime as ort

LABELS = ("negative", "positive")
PORT = int(os.environ.get("BENCH_PORT", "0"))
_MODE = os.environ.get("BENCH_MODE", "")
BATCH, FIXED_ANSWER = _MODE == "batch", _MODE == "fixed"
# What the batching peers are given: enough for 32 connections, and a short delay.
BATCH_SIZE, BATCH_SECONDS = 32, 0.005


class Graph:
    """One session with one thread."""

    def __init__(self, path: str = "") -> None:
        options = ort.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        options.log_severity_level = 3
        model = path or os.environ["BENCH_MODEL"]
        self._session = ort.InferenceSession(model, options, providers=["CPUExecutionProvider"])

    def run(self, texts: Sequence[str]) -> Any:
        """Return class probabilities, float32 of shape (n, 2)."""
        column = np.array(texts, dtype=np.object_).reshape(-1, 1)
        return self._session.run(["probabilities"], {"text": column})[0]
