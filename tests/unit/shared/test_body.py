"""Strict JSON: what is not standard is named at its pointer."""

import json
import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.contracts.items import escape_pointer
from shared.http.body import MAX_JSON_DEPTH, parse_json
from shared.problems import NotJson, Unprocessable

KEYS = st.text("a/~é0", max_size=3)
STANDARD = st.none() | st.booleans() | st.integers(-9, 9) | st.floats(allow_nan=False,
    allow_infinity=False) | st.text("aé\U0001f600", max_size=3)  # fmt: skip
FAULTY = st.sampled_from([math.nan, math.inf, -math.inf, "\ud800", "a\udfff"])
DOCUMENTS = st.recursive(
    STANDARD | FAULTY,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(KEYS, inner, max_size=4),
    max_leaves=20,
)


def faulty(value: Any, pointer: str = "") -> list[str]:
    """Pointers of what is not standard; with the recursion that the service does without."""
    if isinstance(value, dict):
        return [p for k, v in value.items() for p in faulty(v, f"{pointer}/{escape_pointer(k)}")]
    if isinstance(value, list):
        return [p for i, v in enumerate(value) for p in faulty(v, f"{pointer}/{i}")]
    if isinstance(value, float):
        return [] if math.isfinite(value) else [pointer]
    return [pointer] if isinstance(value, str) and not value.isprintable() else []


@given(DOCUMENTS)
def test_every_fault_is_named_in_the_order_of_the_text(document: Any) -> None:
    body = json.dumps(document).encode()
    expected = faulty(document)
    if not expected:
        assert parse_json(body) == document
        return
    with pytest.raises(Unprocessable) as refused:
        parse_json(body)
    assert [error["pointer"] for error in refused.value.extensions["errors"]] == expected


def test_a_key_may_be_at_fault_too() -> None:
    with pytest.raises(Unprocessable) as refused:
        parse_json(b'{"a":{"\\ud800":[NaN]}}')
    pointers = [error["pointer"] for error in refused.value.extensions["errors"]]
    assert pointers == ["/a", "/a/?/0"]


def test_so_many_faults_are_shown() -> None:
    with pytest.raises(Unprocessable) as refused:
        parse_json(b"[" + b"NaN," * 5_000 + b"0]")
    assert len(refused.value.extensions["errors"]) == 100


@pytest.mark.parametrize(
    "body",
    [
        b'{"%b":[%bNaN]}' % (b"k" * 3_000_000, b"0," * 20_000),
        b'{"%b":[%b0]}' % (b"/" * 3_000_000, b"NaN," * 5_000),
        b'{"%b":%b}' % (b"k" * 3_000_000, b"[" * 900 + b"]" * 900),
    ],
)
def test_a_pointer_is_shown_in_part_however_long_it_is(body: bytes) -> None:
    with pytest.raises(Unprocessable) as refused:
        parse_json(body)
    pointers = [error["pointer"] for error in refused.value.extensions["errors"]]
    assert pointers
    assert all(len(pointer) < 400 and "…" in pointer for pointer in pointers)


def test_so_many_values_are_searched() -> None:
    with pytest.raises(NotJson, match="char 6000001"):
        parse_json(b"[" + b"0," * 3_000_000 + b"NaN]")


def nested(depth: int, inner: bytes = b"", around: tuple[bytes, bytes] = (b"[", b"]")) -> bytes:
    """Lists in one another, or what else goes `around`, and what lies inside."""
    opening, closing = around
    return opening * depth + inner + closing * depth


@pytest.mark.parametrize("around", [(b"[", b"]"), (b'{"a":', b"}"), (b'[0,"[{",', b",true]")])
def test_json_nests_as_deep_as_the_limit_and_no_deeper(around: tuple[bytes, bytes]) -> None:
    assert parse_json(nested(MAX_JSON_DEPTH - 1, b"[]", around)) is not None
    assert parse_json(nested(MAX_JSON_DEPTH, b"1", around)) is not None
    for depth in (MAX_JSON_DEPTH, 900, 1_023, 1_024):
        with pytest.raises(Unprocessable) as refused:
            parse_json(nested(depth, b"[]", around))
        (fault,) = refused.value.extensions["errors"]
        assert "128 deep" in fault["detail"]


def test_the_place_that_is_too_deep_is_named() -> None:
    with pytest.raises(Unprocessable) as refused:
        parse_json(b'{"fine":[],"items":[1,%b]}' % nested(MAX_JSON_DEPTH))
    (fault,) = refused.value.extensions["errors"]
    assert fault["pointer"] == "/items/1" + "/0" * (MAX_JSON_DEPTH - 2)


@pytest.mark.parametrize("body", [b"", b" ", b"1],[2", b"1,2", b"]", b"],[", b"1]", b"[1", b"1]]["])
def test_brackets_that_do_not_match_are_no_json(body: bytes) -> None:
    with pytest.raises(NotJson):
        parse_json(body)


@pytest.mark.parametrize("depth", [1_030, 2_000, 5_000, 20_000, 200_000])
@pytest.mark.parametrize("inner", [b"", b"NaN"])
def test_no_depth_is_a_fault_of_the_service(depth: int, inner: bytes) -> None:
    # Python from 3.12 on parses texts that are deeper than its functions may nest.
    with pytest.raises((NotJson, Unprocessable)):
        parse_json(b'{"a":' + b"[" * depth + inner + b"]" * depth + b"}")


@pytest.mark.parametrize("number", [b"1e999999", b"-1e999999", b"1" * 1_000_000, b"9" * 5_000])
def test_a_number_that_no_float_holds_is_refused(number: bytes) -> None:
    with pytest.raises((NotJson, Unprocessable)):
        parse_json(b'{"a":%b}' % number)
