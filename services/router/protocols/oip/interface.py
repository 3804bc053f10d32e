"""What a model version takes in under the protocol: tensors by name, rows of which are items."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from services.router.problems import MalformedInference
from services.router.protocols.oip.columns import Columns, kind_of, of_field, of_input
from services.router.protocols.oip.requests import Tensor
from services.router.protocols.oip.tensors import BYTES
from shared.contracts.base import MAX_BATCH
from shared.contracts.items import check_data
from shared.contracts.versions import ModelInput
from shared.fields.encoding import KINDS
from shared.fields.image import ImageField
from shared.fields.spec import FieldSpec
from shared.problems import Unprocessable

# ONNX's name of a type -> datatype.
_DATATYPES = {
    "string": BYTES,
    "float": "FP32",
    "double": "FP64",
    "int64": "INT64",
    "uint8": "UINT8",
}


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

    def described(self) -> list[dict[str, Any]]:
        """Return the metadata of the inputs."""
        return [
            {"name": name, "datatype": _DATATYPES[KINDS[entry.dtype]], "shape": entry.shape}
            for name, entry in self._inputs.items()
        ]

    def rows(self, tensors: Sequence[Tensor], needed: Mapping[str, Any]) -> Rows:
        """Return the rows of a call, checked as predict does; each has the `needed` fields.

        Raises
        ------
        MalformedInference
            An input is missing, unknown, or not of the form that its fields need.
        Unprocessable
            A value is not as the project says; the pointer names input and row.
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
