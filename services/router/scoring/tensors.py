"""Items' data as the tensors that a graph takes in, as the manifest says."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from shared.contracts.projects import FieldSpec
from shared.contracts.versions import ModelInput

# Manifest dtype -> NumPy dtype. ONNX Runtime takes strings as objects.
_DTYPES: dict[str, npt.DTypeLike] = {
    "string": np.object_,
    "float": np.float32,
    "float32": np.float32,
    "double": np.float64,
    "float64": np.float64,
    "int64": np.int64,
}
# Field types that a graph can be fed from; `image` needs a decoder, `json` is only shown.
_FEEDS = {
    "text": ("string",),
    "category": ("string",),
    "number": ("float", "float32", "double", "float64"),
    "vector": ("float", "float32", "double", "float64"),
}
# ONNX Runtime's name of a tensor's type -> the manifest's.
_RUNTIME_TYPES = {
    "tensor(string)": ("string",),
    "tensor(float)": ("float", "float32"),
    "tensor(double)": ("double", "float64"),
    "tensor(int64)": ("int64",),
}


def input_fault(entry: ModelInput, fields: Mapping[str, FieldSpec]) -> str | None:
    """Say why the input cannot be fed from the project's fields; None when it can."""
    field = fields.get(entry.field)
    if field is None:
        return f"input {entry.name} needs field {entry.field}, which the project does not have"
    if entry.dtype not in _FEEDS.get(field.type, ()):
        return f"input {entry.name} of dtype {entry.dtype} cannot be fed from a {field.type} field"
    width = field.length if field.type == "vector" else 1
    if int(np.prod(entry.shape[1:], dtype=np.int64)) != width:
        return f"input {entry.name} of shape {entry.shape} does not take {width} values an item"
    return None


def runtime_fault(entry: ModelInput, runtime_type: str | None) -> str | None:
    """Say why the graph's own input differs from the manifest's; None when it does not."""
    if runtime_type is None:
        return f"the graph has no input {entry.name}"
    if entry.dtype not in _RUNTIME_TYPES.get(runtime_type, ()):
        return f"input {entry.name} is {runtime_type} in the graph, {entry.dtype} in the manifest"
    return None


def tensors(
    inputs: Sequence[ModelInput], items: Sequence[Mapping[str, Any]]
) -> dict[str, npt.NDArray[Any]]:
    """Return one array an input, first axis the items, which must have passed `check_data`."""
    # A number that float32 cannot hold becomes infinite, and its row no distribution.
    with np.errstate(over="ignore"):
        return {entry.name: _tensor(entry, items) for entry in inputs}


def _tensor(entry: ModelInput, items: Sequence[Mapping[str, Any]]) -> npt.NDArray[Any]:
    values = np.array([item[entry.field] for item in items], dtype=_DTYPES[entry.dtype])
    return values.reshape((len(items), *entry.shape[1:]))


def synthetic_item(fields: Mapping[str, FieldSpec]) -> dict[str, Any]:
    """Return data that passes `check_data`, to warm a graph up with."""
    made: dict[str, Any] = {}
    for name, field in fields.items():
        if field.type == "number":
            made[name] = 0.0
        elif field.type == "vector":
            made[name] = [0.0] * (field.length or 1)
        elif field.type == "category":
            made[name] = (field.values or [""])[0]
        else:
            made[name] = "warm up"[: field.max_length]
    return made
