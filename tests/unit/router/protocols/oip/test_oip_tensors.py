"""Wire tensors: what is written is read again, and what is broken is refused, whatever it is."""

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tritonclient.utils import deserialize_bytes_tensor, serialize_byte_tensor

from services.router.protocols.oip.tensors import (
    BYTES,
    DTYPES,
    TensorError,
    from_bytes,
    from_json,
    to_bytes,
)

SHAPES = st.lists(st.integers(1, 4), min_size=1, max_size=4)


def values_of(datatype: str) -> st.SearchStrategy[Any]:
    """Values that the datatype holds exactly."""
    if datatype == BYTES:
        return st.binary(max_size=20)
    if datatype == "BOOL":
        return st.booleans()
    dtype = DTYPES[datatype]
    if dtype.kind == "f":
        width: Any = dtype.itemsize * 8
        return st.floats(width=width, allow_nan=False)
    info = np.iinfo(dtype)
    return st.integers(int(info.min), int(info.max))


@st.composite
def tensors(draw: st.DrawFn) -> tuple[str, list[int], list[Any]]:
    """A datatype, a shape, and as many values as it has room for."""
    datatype = draw(st.sampled_from([BYTES, *DTYPES]))
    shape = draw(SHAPES)
    count = math.prod(shape)
    values = draw(st.lists(values_of(datatype), min_size=count, max_size=count))
    return datatype, shape, values


def nested(values: list[Any], shape: list[int]) -> list[Any]:
    """`values` as lists of lists."""
    array = np.empty(len(values), dtype=object)
    array[:] = values
    made: list[Any] = array.reshape(shape).tolist()
    return made


@given(tensors())
def test_binary_values_come_out_as_they_went_in(tensor: tuple[str, list[int], list[Any]]) -> None:
    datatype, shape, values = tensor
    raw = to_bytes(datatype, values)
    assert list(from_bytes(datatype, shape, memoryview(raw))) == values


@given(tensors())
def test_json_values_come_out_flat_whether_nested_or_not(
    tensor: tuple[str, list[int], list[Any]],
) -> None:
    datatype, shape, values = tensor
    if datatype == BYTES:
        values = [value.hex() for value in values]
    assert from_json(datatype, shape, values) == values
    assert from_json(datatype, shape, nested(values, shape)) == values


@given(st.lists(st.binary(max_size=20), min_size=1))
def test_strings_are_as_tritons_own_client_has_them(elements: list[bytes]) -> None:
    theirs = serialize_byte_tensor(np.array(elements, dtype=object)).item()
    assert to_bytes(BYTES, elements) == theirs
    # NumPy's own byte strings lose their trailing zeros, objects do not.
    assert list(deserialize_bytes_tensor(to_bytes(BYTES, elements))) == elements


@given(tensors(), st.data())
def test_bytes_that_are_cut_short_or_too_long_are_refused(
    tensor: tuple[str, list[int], list[Any]], data: st.DataObject
) -> None:
    datatype, shape, values = tensor
    raw = to_bytes(datatype, values)
    short = raw[: data.draw(st.integers(0, len(raw) - 1))]
    for broken in (short, raw + b"\x00"):
        with pytest.raises(TensorError):
            from_bytes(datatype, shape, memoryview(broken))


@given(st.binary(), SHAPES)
def test_no_bytes_at_all_break_the_reader(raw: bytes, shape: list[int]) -> None:
    for datatype in (BYTES, *DTYPES):
        try:
            values = from_bytes(datatype, shape, memoryview(raw))
        except TensorError:
            continue
        assert len(values) == math.prod(shape)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=10,
)


@given(JSON, SHAPES, st.sampled_from([BYTES, *DTYPES]))
def test_no_json_at_all_breaks_the_reader(data: Any, shape: list[int], datatype: str) -> None:
    try:
        values = from_json(datatype, shape, data)
    except TensorError:
        return
    assert len(values) == math.prod(shape)


@pytest.mark.parametrize(
    ("datatype", "value"),
    [("FP32", True), ("FP32", "1"), ("FP32", None), ("INT8", 128), ("INT8", 1.0), ("UINT8", -1),
     ("INT64", True), ("BOOL", 1), (BYTES, 1), (BYTES, ["a"])],
)  # fmt: skip
def test_a_value_of_another_type_is_named_by_its_place(datatype: str, value: Any) -> None:
    good: Any = {"BOOL": True, BYTES: "a"}.get(datatype, 1)
    with pytest.raises(TensorError, match="value 1 "):
        from_json(datatype, [2], [good, value])


def test_a_ragged_tensor_is_refused() -> None:
    for data in ([[1], [2, 3]], [[1, 2], 3], [[1, 2, 3]], [[[1], [2]]]):
        with pytest.raises(TensorError):
            from_json("INT8", [2, 2], data)
