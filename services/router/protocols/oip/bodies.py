"""Bodies of infer: their documented form, and how they are packed."""

import zlib
from typing import Any

from services.router.problems import MalformedInference
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


def header_length(given: str | None) -> int | None:
    """Read the header ``Inference-Header-Content-Length``; `MalformedInference` when it is none."""
    if given is None:
        return None
    if not given.isascii() or not given.isdigit() or len(given) > 18:
        raise MalformedInference("", "has an Inference-Header-Content-Length that is no number")
    return int(given)


def decompressed(body: bytes, encoding: str, limit_bytes: int) -> bytes:
    """Return the body that ``Content-Encoding`` hides, without ever holding more than the limit.

    Raises
    ------
    MalformedInference
        It is not of the encoding, or of none that is known.
    BodyTooLarge
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
