"""Values of a wire tensor reach the graph's input as they were sent, or are refused."""

import math
from typing import Any

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from services.router.protocols.oip.interface import of_input
from services.router.protocols.oip.requests import Tensor
from services.router.protocols.oip.tensors import DTYPES, from_bytes, from_json, to_bytes
from shared.fields.image import ImageField
from shared.fields.spec import KINDS
from shared.problems import Unprocessable
from tests.graphs import an_input

PHOTO = {"photo": ImageField()}
SHAPE = (1, 1, 3)
NUMBERS = st.one_of(
    st.integers(-3, 260),
    st.integers(-(2**63), 2**64 - 1),
    st.floats(-2, 258),
    st.floats(),
    st.sampled_from([255, 256, 0.999, -0.0, 3.4e38, 3.5e38, 1e300]),
)


@st.composite
def pixel_tensors(draw: st.DrawFn) -> Tensor:
    """Two rows of three values that their datatype holds, from JSON or from bytes."""
    datatype = draw(st.sampled_from([name for name in DTYPES if name != "BOOL"]))
    dtype, shape = DTYPES[datatype], [2, *SHAPE]
    if dtype.kind == "f":
        one: st.SearchStrategy[Any] = NUMBERS
    else:
        info = np.iinfo(dtype)
        one = NUMBERS.filter(lambda value: isinstance(value, int) and info.min <= value <= info.max)
    values = draw(st.lists(one, min_size=6, max_size=6))
    if draw(st.booleans()) and all(map(math.isfinite, values)):
        return Tensor("photo", datatype, shape, from_json(datatype, shape, values))
    with np.errstate(over="ignore"):
        raw = to_bytes(datatype, values)
    return Tensor("photo", datatype, shape, from_bytes(datatype, shape, memoryview(raw)))


def fits(value: Any, kind: str) -> bool:
    if not math.isfinite(value):
        return False
    if kind == "uint8":
        return value in range(256)
    with np.errstate(over="ignore"):
        return bool(np.isfinite(np.float32(value)))


@given(pixel_tensors(), st.sampled_from(["uint8", "float"]))
def test_pixels_come_through_as_they_were_sent_or_are_refused(tensor: Tensor, dtype: str) -> None:
    entry = an_input("photo", "photo", dtype, (-1, *SHAPE))
    sent = [value.item() if isinstance(value, np.generic) else value for value in tensor.values]
    unfit = [row for row in (0, 1) if not all(fits(v, KINDS[dtype]) for v in sent[3 * row :][:3])]
    try:
        rows = of_input(entry, PHOTO, tensor, "/inputs/0")["photo"]
    except Unprocessable as problem:
        pointers = [fault["pointer"] for fault in problem.extensions["errors"]]
        assert pointers == [f"/inputs/0/data/{row}" for row in unfit]
        return
    assert unfit == []
    came = [float(value) for row in rows for value in row.ravel()]
    expected = sent if dtype == "uint8" else [float(np.float32(value)) for value in sent]
    assert came == expected
