"""Tensors as the Open Inference Protocol writes them, in JSON or in little-endian bytes (pure).

A tensor's values are flat, in row-major order: a list of `bool`, `int`, `float` or `str` from JSON,
an array from binary; for ``BYTES`` a list of `bytes`, each after its length in four bytes.
"""

import math
import struct
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

Values = list[Any] | npt.NDArray[Any]

BYTES = "BYTES"
_NUMERIC: dict[str, npt.DTypeLike] = {
    "BOOL": "?",
    "INT8": "<i1",
    "INT16": "<i2",
    "INT32": "<i4",
    "INT64": "<i8",
    "UINT8": "<u1",
    "UINT16": "<u2",
    "UINT32": "<u4",
    "UINT64": "<u8",
    "FP16": "<f2",
    "FP32": "<f4",
    "FP64": "<f8",
}
DTYPES = {name: np.dtype(code) for name, code in _NUMERIC.items()}
# ONNX Runtime's name of a tensor's type -> datatype.
OF_ONNX = {
    "tensor(string)": BYTES,
    "tensor(bool)": "BOOL",
    "tensor(float16)": "FP16",
    "tensor(float)": "FP32",
    "tensor(double)": "FP64",
    **{f"tensor({name.lower()})": name for name in DTYPES if "INT" in name},
}
_RANGES = {
    name: (int(np.iinfo(dtype).min), int(np.iinfo(dtype).max))
    for name, dtype in DTYPES.items()
    if dtype.kind in "iu"
}
# What values of a datatype are in JSON.
_TYPES: dict[str, set[type]] = {
    **{name: {int} if name in _RANGES else {int, float} for name in DTYPES},
    "BOOL": {bool},
    BYTES: {str},
}
_LENGTH = struct.Struct("<I")


class TensorError(ValueError):
    """The data is not that of a tensor of its datatype and shape."""


def from_json(datatype: str, shape: Sequence[int], data: Any) -> list[Any]:
    """Read the values of a tensor whose JSON `data` is flat or nested as its `shape` is.

    Raises `TensorError`: another number of values, or one that is not of the datatype.
    """
    if type(data) is not list:
        raise TensorError("must be a list")
    values = _flat(data, shape)
    if len(values) != math.prod(shape):
        raise TensorError(f"must have {math.prod(shape)} values, has {len(values)}")
    types, (low, high) = _TYPES[datatype], _RANGES.get(datatype, (None, None))
    for i, value in enumerate(values):
        if type(value) not in types or (low is not None and not low <= value <= high):
            raise TensorError(f"value {i} is not of datatype {datatype}")
    return values


def from_bytes(datatype: str, shape: Sequence[int], raw: memoryview) -> Values:
    """Read the values of a tensor from all of its bytes; `TensorError` when they do not fit."""
    count = math.prod(shape)
    if datatype == BYTES:
        return _elements(raw, count)
    dtype = DTYPES[datatype]
    if len(raw) != count * dtype.itemsize:
        raise TensorError(f"must have {count * dtype.itemsize} bytes, has {len(raw)}")
    return np.frombuffer(raw, dtype)


def to_bytes(datatype: str, values: Iterable[Any]) -> bytes:
    """Write values as the bytes of a tensor."""
    if datatype != BYTES:
        return np.asarray(values, DTYPES[datatype]).tobytes()
    written = bytearray()
    for value in values:
        element = value.encode() if isinstance(value, str) else value
        written += _LENGTH.pack(len(element))
        written += element
    return bytes(written)


def _flat(data: list[Any], shape: Sequence[int]) -> list[Any]:
    if not data or type(data[0]) is not list:
        return data
    level = data
    for size in shape[1:]:
        if any(type(part) is not list or len(part) != size for part in level):
            raise TensorError(f"must be nested as its shape {list(shape)} is")
        level = [value for part in level for value in part]
    return level


def _elements(raw: memoryview, count: int) -> list[Any]:
    values: list[Any] = []
    at, end = 0, len(raw)
    while at < end:
        if len(values) == count:
            raise TensorError(f"has more than {count} elements")
        if end - at < _LENGTH.size:
            raise TensorError(f"ends in the length of element {len(values)}")
        (length,) = _LENGTH.unpack_from(raw, at)
        at += _LENGTH.size
        if length > end - at:
            raise TensorError(f"ends in element {len(values)}")
        values.append(bytes(raw[at : at + length]))
        at += length
    if len(values) != count:
        raise TensorError(f"must have {count} elements, has {len(values)}")
    return values
