"""Class probabilities of many rows from an exported graph, through ONNX Runtime."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime

from services.trainer.recipes.fitted import Float32Array

# Larger batches gain nothing: the dense term rows then leave the processor's cache.
BATCH_SIZE = 64


def score(
    model: bytes | str | Path,
    inputs: Sequence[Mapping[str, Any]],
    rows: Sequence[Mapping[str, str]],
    *,
    batch_size: int = BATCH_SIZE,
    threads: int = 1,
) -> Float32Array:
    """Score n rows of text fields, in order.

    Parameters
    ----------
    model
        The serialised graph or the path of its file.
    inputs
        The manifest's entries: `name` and `field` of each graph input.
    rows
        Field name to text, each with every field of `inputs`; a missing one is a KeyError.
    batch_size : at least 1, rows a call of the runtime
    threads : at least 1, threads of one operator

    Returns
    -------
    shape (n, K), float32; columns in the graph's label order. (0, K) without rows.
    """
    session = _open_session(model, threads)
    output = session.get_outputs()[0]
    if not rows:
        return np.empty((0, int(output.shape[1])), dtype=np.float32)
    batches = [
        session.run([output.name], _feed(inputs, batch))[0] for batch in _batches(rows, batch_size)
    ]
    return np.concatenate(batches).astype(np.float32, copy=False)


def _open_session(model: bytes | str | Path, threads: int) -> Any:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    return onnxruntime.InferenceSession(
        model if isinstance(model, bytes) else str(model),
        options,
        providers=["CPUExecutionProvider"],
    )


def _feed(
    inputs: Sequence[Mapping[str, Any]], batch: Sequence[Mapping[str, str]]
) -> dict[str, np.ndarray[Any, Any]]:
    return {
        entry["name"]: np.array([[row[entry["field"]]] for row in batch], dtype=object)
        for entry in inputs
    }


def _batches(
    rows: Sequence[Mapping[str, str]], batch_size: int
) -> Iterator[list[Mapping[str, str]]]:
    remaining = iter(rows)
    while batch := list(islice(remaining, batch_size)):
        yield batch
