"""What a model version takes in under the protocol: tensors by name, rows of which are items."""

import base64
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import orjson

from services.router.errors import MalformedInference
from services.router.protocols.oip.requests import Tensor
from services.router.protocols.oip.tensors import BYTES, Values
from shared.contracts.base import MAX_BATCH
from shared.contracts.items import check_data
from shared.contracts.projects import FieldSpec
from shared.contracts.versions import Manifest, ModelInput
from shared.problems import Unprocessable

Row = dict[str, Any]

_NUMBERS = ("number", "vector")
# Manifest dtype -> datatype.
_DATATYPES = {
    "string": BYTES,
    "float": "FP32",
    "float32": "FP32",
    "double": "FP64",
    "float64": "FP64",
    "int64": "INT64",
}
_IMAGE_SIGNATURES = (b"\x89PNG", b"\xff\xd8\xff", b"RIFF")


class Interface:
    """The tensors of one version of a project.

    A tensor is known by its input's name in the graph, or by the name of the field that it feeds.
    `needed` are the fields that the graph is fed from, `fields` all that the project has.
    """

    def __init__(self, fields: Mapping[str, FieldSpec], manifest: Manifest | None) -> None:
        self.fields = fields
        self.inputs = manifest.inputs if manifest is not None else []
        self.needed = {entry.field: fields[entry.field] for entry in self.inputs}
        names = {entry.name: entry.field for entry in self.inputs}
        self._field_of = {name: name for name in fields} | names

    def described(self) -> list[dict[str, Any]]:
        """Return the metadata of the inputs."""
        return [self._described(entry) for entry in self.inputs]

    def _described(self, entry: ModelInput) -> dict[str, Any]:
        if self.fields[entry.field].type == "image":
            return {"name": entry.name, "datatype": BYTES, "shape": [-1]}
        datatype = _DATATYPES[entry.dtype]
        return {"name": entry.name, "datatype": datatype, "shape": [-1, *entry.shape[1:]]}

    def items(self, tensors: Sequence[Tensor], *, whole: bool) -> list[Row]:
        """Return the data of one item a row, checked as predict does.

        Parameters
        ----------
        whole
            Whether each field of the project is needed, or only what the graph is fed from.

        Raises
        ------
        MalformedInference
            An input is missing, unknown, or not of the form that its field needs.
        Unprocessable
            A value is not as the project says; the pointer names input and row.
        """
        columns: dict[str, Values] = {}
        inputs: dict[str, int] = {}
        for i, tensor in enumerate(tensors):
            field = self._field_of.get(tensor.name)
            if field is None or field in columns:
                fault = "is no input of the model" if field is None else "feeds what another feeds"
                raise MalformedInference(f"/inputs/{i}/name", fault)
            columns[field] = _column(tensor, self.fields[field], i)
            inputs[field] = i
        needed = self.fields if whole else self.needed
        if missing := needed.keys() - columns.keys():
            raise MalformedInference("/inputs", f"lacks {', '.join(sorted(missing))}")
        _check_rows(tensors)
        specs = {field: self.fields[field] for field in columns}
        rows = [
            dict(zip(columns, values, strict=True))
            for values in zip(*columns.values(), strict=True)
        ]
        if faults := list(_faults(rows, specs, inputs)):
            raise Unprocessable(faults)
        return rows


def _check_rows(tensors: Sequence[Tensor]) -> None:
    count = tensors[0].shape[0]
    if count > MAX_BATCH:
        raise MalformedInference("/inputs/0/shape", f"has {count} rows, at most {MAX_BATCH}")
    for i, tensor in enumerate(tensors):
        if tensor.shape[0] != count:
            fault = f"has {tensor.shape[0]} rows, and that of /inputs/0 has {count}"
            raise MalformedInference(f"/inputs/{i}/shape", fault)


def _faults(
    rows: Sequence[Row], specs: Mapping[str, FieldSpec], inputs: Mapping[str, int]
) -> Iterator[tuple[str, str]]:
    for number, row in enumerate(rows):
        for pointer, fault in check_data(row, specs, ""):
            yield f"/inputs/{inputs[pointer[1:]]}/data/{number}", fault


def _column(tensor: Tensor, spec: FieldSpec, i: int) -> Values:
    """Return one value a row, as an item's data has them."""
    numeric = tensor.datatype not in (BYTES, "BOOL")
    if numeric != (spec.type in _NUMBERS):
        fault = f"is {tensor.datatype}, which a {spec.type} field does not take"
        raise MalformedInference(f"/inputs/{i}/datatype", fault)
    count, values = tensor.shape[0], tensor.values
    width = (spec.length or 1) if spec.type == "vector" else 1
    if len(values) != count * width:
        fault = f"must be [{count}, {width}]" if width > 1 else f"must be [{count}] or [{count}, 1]"
        raise MalformedInference(f"/inputs/{i}/shape", fault)
    if spec.type == "vector":
        return [values[at : at + width] for at in range(0, len(values), width)]
    reader = _READERS.get(spec.type)
    return values if reader is None else _read(values, reader, i)


def _read(values: Values, reader: Callable[[Any], Any], i: int) -> Values:
    read: Values = []
    for number, value in enumerate(values):
        try:
            read.append(reader(value))
        except ValueError as error:
            raise Unprocessable([(f"/inputs/{i}/data/{number}", str(error))]) from error
    return read


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


def _json(value: str | bytes) -> Any:
    try:
        return orjson.loads(value)
    except orjson.JSONDecodeError as error:
        raise ValueError("must be JSON") from error


_READERS: dict[str, Callable[[Any], Any]] = {
    "text": _text,
    "category": _text,
    "image": _image,
    "json": _json,
}
