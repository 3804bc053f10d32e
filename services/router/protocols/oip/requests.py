"""Bodies of infer: how they are documented, packed, and read, JSON and then binary tensors."""

import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from services.router.problems import MalformedInference
from services.router.protocols.oip.tensors import (
    BYTES,
    DTYPES,
    TensorError,
    Values,
    from_bytes,
    from_json,
)
from shared.http.body import parse_json
from shared.problems import BodyTooLarge

_WINDOWS = {"deflate": zlib.MAX_WBITS, "gzip": zlib.MAX_WBITS + 16}

_TENSOR = {
    "type": "object",
    "required": ["name", "shape", "datatype"],
    "properties": {
        "name": {"type": "string", "description": "An input of the model, or a project's field"},
        "shape": {"type": "array", "items": {"type": "integer", "minimum": 1}},
        "datatype": {"type": "string"},
        "parameters": {
            "type": "object",
            "properties": {"binary_data_size": {"type": "integer", "minimum": 0}},
        },
        "data": {"type": "array", "description": "Values in row-major order, flat or nested"},
    },
}
_OUTPUT = {
    "type": "object",
    "required": ["name"],
    "properties": {
        "name": {"type": "string"},
        "parameters": {"type": "object", "properties": {"binary_data": {"type": "boolean"}}},
    },
}
_REQUEST = {
    "type": "object",
    "required": ["inputs"],
    "properties": {
        "id": {"type": "string"},
        "parameters": {
            "type": "object",
            "properties": {
                "binary_data_output": {"type": "boolean"},
                "surehand_review": {"enum": ["auto", "always"]},
                "surehand_item_ids": {"type": "array", "items": {"type": "string"}},
            },
        },
        "inputs": {"type": "array", "minItems": 1, "items": _TENSOR},
        "outputs": {"type": "array", "items": _OUTPUT},
    },
}
INFER_BODY: dict[str, Any] = {
    "parameters": [
        {
            "name": "Inference-Header-Content-Length",
            "in": "header",
            "description": "Bytes of the JSON, when binary tensors follow it",
            "schema": {"type": "integer", "minimum": 0},
        }
    ],
    "requestBody": {
        "required": True,
        "content": {
            "application/json": {"schema": _REQUEST},
            "application/octet-stream": {"schema": {"type": "string", "format": "binary"}},
        },
    },
}
_MOST_TENSORS = 1000
_MOST_AXES = 8
_NONE: dict[str, Any] = {}
_SHARED_MEMORY = "shared_memory_region"
_BINARY_SIZE = "binary_data_size"


def header_length(given: str | None) -> int | None:
    """Read the header ``Inference-Header-Content-Length``; `MalformedInference` when it is none."""
    if given is None:
        return None
    if not given.isascii() or not given.isdigit() or len(given) > 18:
        raise MalformedInference("", "has an Inference-Header-Content-Length that is not a number")
    return int(given)


def decompressed(body: bytes, encoding: str, limit_bytes: int) -> bytes:
    """Return the body that ``Content-Encoding`` hides, without ever holding more than the limit.

    Raises `MalformedInference`: it is not of the encoding, or of none that is known;
    `BodyTooLarge`.
    """
    window = _WINDOWS.get(encoding.strip().lower())
    if window is None:
        raise MalformedInference("", f"has a content encoding other than {', '.join(_WINDOWS)}")
    inflater = zlib.decompressobj(window)
    try:
        plain = inflater.decompress(body, limit_bytes + 1)
    except zlib.error as error:
        raise MalformedInference("", f"is not {encoding}") from error
    if len(plain) > limit_bytes:
        raise BodyTooLarge(limit_bytes)
    if not inflater.eof:
        raise MalformedInference("", "ends early")
    return plain


@dataclass(slots=True)
class Tensor:
    """One input: its values, flat, in row-major order."""

    name: str
    datatype: str
    shape: list[int]
    values: Values


@dataclass(slots=True)
class Wanted:
    """An output that is asked for, as JSON or as bytes."""

    name: str
    binary: bool


@dataclass(slots=True)
class InferenceRequest:
    """One call of infer. `outputs` None asks for all, as bytes if `binary`."""

    id: str | None
    parameters: Mapping[str, Any]
    inputs: list[Tensor]
    outputs: list[Wanted] | None
    binary: bool


def read(body: bytes, header_length: int | None) -> InferenceRequest:
    """Read the body of a call of infer.

    Members and parameters that are not known are let be, as the protocol asks.

    Parameters
    ----------
    header_length
        Bytes of the JSON at the head of `body`; None when it is JSON alone.

    Raises
    ------
    NotJson, Unprocessable
        There is no JSON, or a number or a string in it is none.
    MalformedInference
        It is no inference request, or a tensor is not what it says it is.
    """
    length = len(body) if header_length is None else header_length
    if length > len(body):
        fault = f"has {len(body)} bytes; Inference-Header-Content-Length says {length}"
        raise MalformedInference("", fault)
    document, tail = parse_json(body[:length]), _Tail(body, length)
    if type(document) is not dict:
        raise MalformedInference("", "must be an object")
    request_id = document.get("id")
    if request_id is not None and type(request_id) is not str:
        raise MalformedInference("/id", "must be a string")
    parameters = _parameters(document, "")
    binary = parameters.get("binary_data_output", False)
    if type(binary) is not bool:
        raise MalformedInference("/parameters/binary_data_output", "must be true or false")
    inputs = [_tensor(entry, f"/inputs/{i}", tail) for i, entry in _entries(document, "inputs")]
    tail.end()
    if not inputs:
        raise MalformedInference("/inputs", "must have a tensor")
    outputs = [
        _wanted(entry, f"/outputs/{i}", binary) for i, entry in _entries(document, "outputs")
    ]
    return InferenceRequest(request_id, parameters, inputs, outputs or None, binary)


class _Tail:
    """What comes behind the JSON: taken by the tensors, one after the other."""

    __slots__ = ("_at", "_bytes")

    def __init__(self, body: bytes, begin: int) -> None:
        self._bytes = memoryview(body)
        self._at = begin

    def take(self, size: Any, pointer: str) -> memoryview:
        """Return the next `size` bytes."""
        if type(size) is not int or size < 0:
            raise MalformedInference(pointer, "must be a number of bytes")
        begin, self._at = self._at, self._at + size
        if self._at > len(self._bytes):
            raise MalformedInference(
                pointer, f"is {size}, but only {len(self._bytes) - begin} bytes are left"
            )
        return self._bytes[begin : self._at]

    def end(self) -> None:
        """Check that nothing is left."""
        if left := len(self._bytes) - self._at:
            raise MalformedInference("", f"has {left} bytes behind the last binary tensor")


def _entries(document: dict[str, Any], member: str) -> Iterator[tuple[int, dict[str, Any]]]:
    given = document.get(member)
    if given is None:
        return
    if type(given) is not list or len(given) > _MOST_TENSORS:
        raise MalformedInference(f"/{member}", f"must be a list of at most {_MOST_TENSORS}")
    for i, entry in enumerate(given):
        if type(entry) is not dict or type(entry.get("name")) is not str:
            raise MalformedInference(f"/{member}/{i}", "must be an object with a name")
        yield i, entry


def _parameters(document: dict[str, Any], pointer: str) -> dict[str, Any]:
    parameters = document.get("parameters")
    if parameters is None:
        return _NONE
    if type(parameters) is not dict:
        raise MalformedInference(f"{pointer}/parameters", "must be an object")
    if _SHARED_MEMORY in parameters:
        raise MalformedInference(
            f"{pointer}/parameters/{_SHARED_MEMORY}", "shared memory is not supported"
        )
    return parameters


def _tensor(entry: dict[str, Any], pointer: str, tail: _Tail) -> Tensor:
    datatype, shape = entry.get("datatype"), _shape(entry.get("shape"), pointer)
    if type(datatype) is not str or (datatype != BYTES and datatype not in DTYPES):
        known = ", ".join((BYTES, *DTYPES))
        raise MalformedInference(f"{pointer}/datatype", f"must be one of {known}")
    parameters = _parameters(entry, pointer)
    at = f"{pointer}/data"
    try:
        if _BINARY_SIZE in parameters:
            at = f"{pointer}/parameters/{_BINARY_SIZE}"
            values = from_bytes(datatype, shape, tail.take(parameters[_BINARY_SIZE], at))
        else:
            values = from_json(datatype, shape, entry.get("data"))
    except TensorError as fault:
        raise MalformedInference(at, str(fault)) from fault
    return Tensor(entry["name"], datatype, shape, values)


def _shape(shape: Any, pointer: str) -> list[int]:
    if (
        type(shape) is not list
        or not 0 < len(shape) <= _MOST_AXES
        or any(type(size) is not int or size < 1 for size in shape)
    ):
        raise MalformedInference(f"{pointer}/shape", "must be a list of numbers from 1 on")
    return shape


def _wanted(entry: dict[str, Any], pointer: str, binary: bool) -> Wanted:
    parameters = _parameters(entry, pointer)
    if "classification" in parameters:
        raise MalformedInference(
            f"{pointer}/parameters/classification", "is not supported; ask for `label`"
        )
    asked = parameters.get("binary_data", binary)
    if type(asked) is not bool:
        raise MalformedInference(f"{pointer}/parameters/binary_data", "must be true or false")
    return Wanted(entry["name"], asked)
