"""One wire tensor as the fields' values that its rows are: the way back of a graph's encoders."""

import base64
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from services.router.protocols.oip.errors import MalformedInference
from services.router.protocols.oip.requests import Tensor
from services.router.protocols.oip.tensors import BYTES, Values
from shared.contracts.projects import FieldSpec
from shared.contracts.versions import ModelInput
from shared.graphs.encoders import KINDS
from shared.http.body import parse_json_part
from shared.problems import Unprocessable

Columns = dict[str, Values]
Reader = Callable[[Any], Any]

_UINT8_MAX = 255
_NUMBERS = ("number", "vector")
_IMAGE_SIGNATURES = (b"\x89PNG", b"\xff\xd8\xff", b"RIFF")


def of_field(name: str, spec: FieldSpec, tensor: Tensor, at: str) -> Columns:
    """Read a tensor whose rows are one field's values, as an item has them.

    Parameters
    ----------
    at
        JSON pointer of the tensor.

    Raises
    ------
    MalformedInference
        It has another datatype or shape than the field needs.
    Unprocessable
        A value cannot be read.
    """
    _require_kind(tensor, BYTES if spec.type not in _NUMBERS else "a number", at)
    width = (spec.length or 1) if spec.type == "vector" else 1
    _require_width(tensor, width, at)
    if spec.type == "vector":
        return {name: _slices(tensor.values, width)}
    reader = _READERS.get(spec.type)
    if reader is None:
        return {name: _listed(tensor.values)}
    return {name: _read(_listed(tensor.values), reader, at)}


def of_input(
    entry: ModelInput, fields: Mapping[str, FieldSpec], tensor: Tensor, at: str
) -> Columns:
    """Read a tensor that is laid out as the graph's input is; raises what `of_field` does.

    Of several fields the values lie side by side. A category is its index, or one column a value.
    An image comes out as the array that it is.
    """
    kind = KINDS[entry.dtype]
    _require_kind(tensor, BYTES if kind == "string" else "a number", at)
    if fields[entry.fields[0]].type == "image":
        return {entry.fields[0]: _pixels(entry, tensor, at)}
    parts = [(name, *_part(fields[name], kind)) for name in entry.fields]
    total = sum(width for _, width, _ in parts)
    _require_width(tensor, total, at)
    rows = _slices(tensor.values, total)
    columns: Columns = {}
    begin = 0
    for name, width, reader in parts:
        end = begin + width
        column = _read([row[begin:end] for row in rows], reader, at)
        if columns.setdefault(name, column) != column:
            raise MalformedInference(at, f"has {name} twice, with different values")
        begin = end
    return columns


def _part(spec: FieldSpec, kind: str) -> tuple[int, Reader]:
    """Return how many columns a field has in a tensor, and what reads their values of one row."""
    if spec.type == "vector":
        return spec.length or 1, list
    if spec.type == "category" and kind != "string":
        values = spec.values or []
        if kind == "int64":
            return 1, lambda row: _indexed(values, row[0])
        return len(values), lambda row: _one_hot(values, row)
    reader = _READERS.get(spec.type)
    return 1, (lambda row: row[0]) if reader is None else (lambda row: reader(row[0]))


def _require_kind(tensor: Tensor, kind: str, at: str) -> None:
    found = BYTES if tensor.datatype == BYTES else "a number"
    if found != kind or tensor.datatype == "BOOL":
        raise MalformedInference(f"{at}/datatype", f"is {tensor.datatype}; needed is {kind}")


def _require_width(tensor: Tensor, width: int, at: str) -> None:
    count = tensor.shape[0]
    if len(tensor.values) != count * width:
        needed = f"[{count}, {width}]" if width > 1 else f"[{count}] or [{count}, 1]"
        raise MalformedInference(f"{at}/shape", f"must be {needed}")


def _listed(values: Values) -> list[Any]:
    return values.tolist() if isinstance(values, np.ndarray) else values


def _slices(values: Values, width: int) -> list[Any]:
    if isinstance(values, np.ndarray):
        rows: list[Any] = values.reshape(-1, width).tolist()
        return rows
    return [values[at : at + width] for at in range(0, len(values), width)]


def _read(values: Sequence[Any], reader: Reader, at: str) -> list[Any]:
    read: list[Any] = []
    faults: list[tuple[str, str]] = []
    for number, value in enumerate(values):
        try:
            read.append(reader(value))
        except ValueError as error:
            faults.append((f"{at}/data/{number}", str(error)))
    if faults:
        raise Unprocessable(faults)
    return read


def _pixels(entry: ModelInput, tensor: Tensor, at: str) -> Values:
    count, sides = tensor.shape[0], entry.shape[1:]
    if tensor.shape[1:] != sides:
        raise MalformedInference(f"{at}/shape", f"must be {[count, *sides]}")
    given = tensor.values
    if not isinstance(given, np.ndarray):
        # Whole numbers and others, as JSON has them: larger than any integer of NumPy's.
        given = np.array(given, dtype=np.float64)
    given = given.reshape(tensor.shape)
    if KINDS[entry.dtype] == "uint8":
        fitting = (given >= 0) & (given <= _UINT8_MAX) & (given == np.floor(given))
        _require_all(fitting, given, f"whole numbers from 0 to {_UINT8_MAX}", at)
        return list(given.astype(np.uint8))
    with np.errstate(over="ignore"):
        pixels = given.astype(np.float32)
    _require_all(np.isfinite(pixels), given, "finite numbers that float32 can hold", at)
    return list(pixels)


def _require_all(
    fitting: npt.NDArray[np.bool_], given: npt.NDArray[Any], what: str, at: str
) -> None:
    """Raise `Unprocessable` with a fault for each row that has a value which does not fit."""
    if fitting.all():
        return
    fits, values = fitting.reshape(len(fitting), -1), given.reshape(len(given), -1)
    faults = []
    for row in np.flatnonzero(~fits.all(axis=1)):
        first = int(fits[row].argmin())
        fault = f"must be {what}: value {first} of the row is {values[row, first]:.12g}"
        faults.append((f"{at}/data/{row}", fault))
    raise Unprocessable(faults)


def _indexed(values: Sequence[str], index: Any) -> str:
    if index != index // 1 or not 0 <= index < len(values):
        raise ValueError(f"must be an index below {len(values)}")
    return values[int(index)]


def _one_hot(values: Sequence[str], row: Sequence[Any]) -> str:
    if sorted(row) != [0] * (len(values) - 1) + [1]:
        raise ValueError("must have a single 1 among zeros, in the columns of the category")
    return values[row.index(1)]


def _text(value: str | bytes) -> str:
    if isinstance(value, str):
        return value
    try:
        return value.decode()
    except UnicodeDecodeError as error:
        raise ValueError("must be UTF-8") from error


def _image(value: str | bytes) -> str:
    """Return an image's bytes in base64; what is base64 or a URL already stays."""
    if isinstance(value, bytes) and value.startswith(_IMAGE_SIGNATURES):
        return base64.b64encode(value).decode()
    return _text(value)


_READERS: dict[str, Reader] = {
    "text": _text,
    "category": _text,
    "image": _image,
    "json": parse_json_part,
}
