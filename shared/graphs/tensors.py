"""Items' data as the tensors that a graph takes in, as the manifest says.

Several fields that feed one input lie side by side in its rows, in the manifest's order.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from shared.contracts.versions import ModelInput
from shared.fields.image import ImageField
from shared.fields.layouts import Layout, layout_of
from shared.fields.spec import KINDS, Encoding, FieldSpec, Unscorable

Data = Mapping[str, Any]
Fields = Mapping[str, FieldSpec]

# ONNX Runtime takes strings as objects.
_NUMPY: dict[str, npt.DTypeLike] = {
    "string": np.object_,
    "float": np.float32,
    "double": np.float64,
    "int64": np.int64,
    "uint8": np.uint8,
}


def input_fault(entry: ModelInput, fields: Fields) -> str | None:
    """Say why the input cannot be fed from the project's fields; None when it can."""
    at = f"input {entry.name}"
    kind = KINDS.get(entry.dtype)
    if kind is None:
        return f"{at} has dtype {entry.dtype}, not one of {', '.join(KINDS)}"
    unknown = [name for name in entry.fields if name not in fields]
    if unknown:
        return f"{at} needs field {unknown[0]}, which the project does not have"
    has_image = any(isinstance(fields[name], ImageField) for name in entry.fields)
    if has_image and len(entry.fields) > 1:
        return f"{at} lays an image beside another field"
    try:
        encodings = _encodings(entry, fields)
    except ValueError as error:
        return f"{at} {error}"
    if entry.shape[:1] != [-1]:
        return f"{at} has shape {entry.shape}: its first axis, the items, must be -1"
    fault = None if has_image else _shape_fault(entry, encodings)
    return f"{at} {fault}" if fault else None


def _encodings(entry: ModelInput, fields: Fields) -> list[tuple[str, Encoding]]:
    """Return how each field enters the input; `ValueError` says why one cannot."""
    found = []
    for name in entry.fields:
        encoding = fields[name].encoding(KINDS[entry.dtype], entry)
        if encoding is None:
            kind = fields[name].type
            raise ValueError(f"of dtype {entry.dtype} cannot be fed from a {kind} field")
        found.append((name, encoding))
    return found


def _shape_fault(entry: ModelInput, encodings: Sequence[tuple[str, Encoding]]) -> str | None:
    if entry.image is not None:
        return "normalises an image, and no image field feeds it"
    width = sum(encoding.width or 1 for _, encoding in encodings)
    sides = entry.shape[1:]
    if any(side < 1 for side in sides) or int(np.prod(sides, dtype=np.int64)) != width:
        return f"of shape {entry.shape} does not take {width} values an item"
    return None


def runtime_fault(entry: ModelInput, runtime_type: str | None, shape: Sequence[Any]) -> str | None:
    """Say why the graph's own input differs from the manifest's; None when it does not.

    Parameters
    ----------
    runtime_type, shape
        As ONNX Runtime tells them: no type when the graph has no such input; an axis of any length
        is no number, and an empty shape says nothing.
    """
    at = f"input {entry.name}"
    if runtime_type is None:
        return f"the graph has no {at}"
    if runtime_type != f"tensor({KINDS[entry.dtype]})":
        return f"{at} is {runtime_type} in the graph, {entry.dtype} in the manifest"
    if not shape:
        return None
    if isinstance(shape[0], int):
        return f"{at} takes {shape[0]} items at a time: export it with a first axis of any length"
    pairs = list(zip(shape, entry.shape, strict=False))
    if len(shape) != len(entry.shape) or any(isinstance(a, int) and a != b for a, b in pairs):
        return f"{at} has shape {list(shape)} in the graph, {entry.shape} in the manifest"
    return None


def image_layouts(inputs: Sequence[ModelInput], fields: Fields) -> dict[str, list[Layout]]:
    """Return the layouts in which inputs without a fault want each image field."""
    layouts: dict[str, list[Layout]] = {}
    for entry in inputs:
        for name in entry.fields:
            if isinstance(fields[name], ImageField):
                layouts.setdefault(name, []).append(layout_of(entry))
    return layouts


class _Slot:
    """One input of a graph, ready to be fed."""

    def __init__(self, entry: ModelInput, fields: Fields) -> None:
        self.name = entry.name
        self._kind = KINDS[entry.dtype]
        self._dtype = np.dtype(_NUMPY[self._kind])
        self._sides = entry.shape[1:]
        self._parts = _encodings(entry, fields)
        self.row_bytes = int(np.prod(self._sides, dtype=np.int64)) * self._dtype.itemsize

    def tensor(self, items: Sequence[Data]) -> npt.NDArray[Any]:
        """Return the items' values as the tensor, shape (n, …)."""
        rows = self._rows(items)
        if self._kind != "float":
            return np.array(rows, dtype=self._dtype).reshape((len(items), *self._sides))
        try:
            with np.errstate(over="raise"):
                return np.array(rows, dtype=self._dtype).reshape((len(items), *self._sides))
        except FloatingPointError as error:
            # It would be infinite, and a graph may well have an answer to that.
            raise Unscorable("a number is too large for float32") from error

    def _rows(self, items: Sequence[Data]) -> list[Any]:
        if len(self._parts) > 1:
            return [self._row(item) for item in items]
        name, encoding = self._parts[0]
        if encoding.encode is None:
            return [item[name] for item in items]
        return [encoding.encode(item.get(name)) for item in items]

    def _row(self, item: Data) -> list[Any]:
        row: list[Any] = []
        for name, encoding in self._parts:
            value = item[name] if encoding.encode is None else encoding.encode(item.get(name))
            if encoding.width is None:
                row.append(value)
            else:
                row.extend(value)
        return row


class Feeder:
    """Feeds one graph from items that have passed `check_data`.

    Parameters
    ----------
    inputs
        Each without an `input_fault` in `fields`.
    fields
        The project's, as they are when the graph is loaded.
    """

    def __init__(self, inputs: Sequence[ModelInput], fields: Fields) -> None:
        self._slots = [_Slot(entry, fields) for entry in inputs]
        self.row_bytes = sum(slot.row_bytes for slot in self._slots)

    def feeds(self, items: Sequence[Data]) -> dict[str, npt.NDArray[Any]]:
        """Return one tensor an input, first axis the items.

        Raises `Unscorable`: the graph cannot take one of them.
        """
        return {slot.name: slot.tensor(items) for slot in self._slots}

    def takes(self, item: Data) -> bool:
        """Say whether the graph can take the item."""
        try:
            self.feeds([item])
        except Unscorable:
            return False
        return True
