"""What a model version takes in under the protocol: tensors by name, rows of which are items."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from services.router.problems import MalformedInference
from services.router.protocols.oip.messages import TensorMetadata
from services.router.protocols.oip.requests import Tensor
from services.router.protocols.oip.tensors import OF_ONNX, Values
from shared.contracts.base import MAX_BATCH
from shared.contracts.items import check_data
from shared.contracts.versions import ModelInput
from shared.fields.image import ImageField
from shared.fields.spec import KINDS, FieldSpec, WireKind
from shared.http.body import parse_json_part
from shared.problems import Unprocessable

_UINT8_MAX = 255

Columns = dict[str, Values]
Reader = Callable[[Any], Any]


@dataclass(frozen=True, slots=True)
class Rows:
    """The rows of a call: each item's data, which has passed `check_data`.

    `inputs` says which tensor a field came in; `laid_out` are image fields that came as the
    graph's own arrays.
    """

    items: list[dict[str, Any]]
    inputs: Mapping[str, int]
    laid_out: frozenset[str]

    def place(self, i: int, field: str) -> str:
        """Return the JSON pointer of a row's field."""
        return f"/inputs/{self.inputs[field]}/data/{i}"


class Interface:
    """The tensors of one version of a project.

    A tensor goes by its input's name in the graph, laid out as there, or by the name of a field.
    What one field alone feeds may also come as the field's values: categories and files of images.
    """

    def __init__(self, fields: Mapping[str, FieldSpec], inputs: Sequence[ModelInput]) -> None:
        self._fields = fields
        self._inputs = {entry.name: entry for entry in inputs}

    def described(self) -> list[TensorMetadata]:
        """Return the metadata of the inputs."""
        types = {name: f"tensor({KINDS[entry.dtype]})" for name, entry in self._inputs.items()}
        return [
            TensorMetadata(name=name, datatype=OF_ONNX[types[name]], shape=entry.shape)
            for name, entry in self._inputs.items()
        ]

    def rows(self, tensors: Sequence[Tensor], needed: Mapping[str, Any]) -> Rows:
        """Return the rows of a call, checked as predict does; each has the `needed` fields.

        Raises `MalformedInference`: an input is missing, unknown, or not of the form that its
        fields need; `Unprocessable`: a value is not as the project says; the pointer names input
        and row.
        """
        columns: Columns = {}
        inputs: dict[str, int] = {}
        for i, tensor in enumerate(tensors):
            for field, values in self._columns(tensor, i).items():
                if field in columns and not np.array_equal(columns[field], values):
                    fault = f"says otherwise of {field} than /inputs/{inputs[field]}"
                    raise MalformedInference(f"/inputs/{i}", fault)
                columns[field] = values
                inputs[field] = i
        if missing := needed.keys() - columns.keys():
            raise MalformedInference("/inputs", f"lacks {', '.join(sorted(missing))}")
        _check_counts(tensors)
        by_row = zip(*columns.values(), strict=True)
        items = [dict(zip(columns, row, strict=True)) for row in by_row]
        laid_out = frozenset(
            field
            for field, values in columns.items()
            if isinstance(self._fields[field], ImageField) and isinstance(values[0], np.ndarray)
        )
        rows = Rows(items, inputs, laid_out)
        if faults := list(self._faults(rows)):
            raise Unprocessable(faults)
        return rows

    def _columns(self, tensor: Tensor, i: int) -> Columns:
        at = f"/inputs/{i}"
        entry = self._inputs.get(tensor.name)
        field = tensor.name if entry is None else entry.fields[0]
        if field not in self._fields:
            raise MalformedInference(f"{at}/name", "is no input of the model")
        is_of_field = kind_of(tensor) == self._fields[field].wire
        if entry is not None and not (len(entry.fields) == 1 and is_of_field):
            return of_input(entry, self._fields, tensor, at)
        return of_field(field, self._fields[field], tensor, at)

    def _faults(self, rows: Rows) -> Iterator[tuple[str, str]]:
        specs = {field: self._fields[field] for field in rows.inputs if field not in rows.laid_out}
        for i, item in enumerate(rows.items):
            if rows.laid_out:
                item = {field: item[field] for field in specs}  # noqa: PLW2901 - the rest of it
            for pointer, fault in check_data(item, specs, ""):
                yield rows.place(i, pointer[1:]), fault


def _check_counts(tensors: Sequence[Tensor]) -> None:
    count = tensors[0].shape[0]
    if count > MAX_BATCH:
        raise MalformedInference("/inputs/0/shape", f"has {count} rows, at most {MAX_BATCH}")
    for i, tensor in enumerate(tensors):
        if tensor.shape[0] != count:
            fault = f"has {tensor.shape[0]} rows, and that of /inputs/0 has {count}"
            raise MalformedInference(f"/inputs/{i}/shape", fault)


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
    _require_kind(tensor, spec.wire, at)
    encoding = spec.sent()
    _require_width(tensor, encoding.width or 1, at)
    if encoding.width is not None:
        return {name: _read(_slices(tensor.values, encoding.width), encoding.decode, at)}
    reader = parse_json_part if spec.column == "json" else encoding.decode
    values = tensor.values
    listed = values.tolist() if isinstance(values, np.ndarray) else values
    return {name: _read(listed, reader, at)}


def of_input(
    entry: ModelInput, fields: Mapping[str, FieldSpec], tensor: Tensor, at: str
) -> Columns:
    """Read a tensor that is laid out as the graph's input is; raises what `of_field` does.

    Of several fields the values lie side by side. A category is its index, or one column a value.
    An image comes out as the array that it is.
    """
    kind = KINDS[entry.dtype]
    _require_kind(tensor, "BYTES" if kind == "string" else "a number", at)
    if isinstance(fields[entry.fields[0]], ImageField):
        return {entry.fields[0]: _pixels(entry, tensor, at)}
    parts = [
        (name, encoding)
        for name in entry.fields
        if (encoding := fields[name].encoding(kind, entry)) is not None
    ]
    total = sum(encoding.width or 1 for _, encoding in parts)
    _require_width(tensor, total, at)
    rows = _slices(tensor.values, total)
    columns: Columns = {}
    begin = 0
    for name, encoding in parts:
        end = begin + (encoding.width or 1)
        values = [row[begin] if encoding.width is None else row[begin:end] for row in rows]
        column = _read(values, encoding.decode, at)
        if columns.setdefault(name, column) != column:
            raise MalformedInference(at, f"has {name} twice, with different values")
        begin = end
    return columns


def kind_of(tensor: Tensor) -> WireKind:
    """Return what its values are."""
    named: dict[str, WireKind] = {"BYTES": "BYTES", "BOOL": "BOOL"}
    return named.get(tensor.datatype, "a number")


def _require_kind(tensor: Tensor, kind: WireKind, at: str) -> None:
    if kind_of(tensor) != kind:
        raise MalformedInference(f"{at}/datatype", f"is {tensor.datatype}; needed is {kind}")


def _require_width(tensor: Tensor, width: int, at: str) -> None:
    count = tensor.shape[0]
    if len(tensor.values) != count * width:
        needed = f"[{count}, {width}]" if width > 1 else f"[{count}] or [{count}, 1]"
        raise MalformedInference(f"{at}/shape", f"must be {needed}")


def _slices(values: Values, width: int) -> list[Any]:
    if isinstance(values, np.ndarray):
        rows: list[Any] = values.reshape(-1, width).tolist()
        return rows
    return [values[at : at + width] for at in range(0, len(values), width)]


def _read(values: list[Any], reader: Reader | None, at: str) -> list[Any]:
    if reader is None:
        return values
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
