"""The quick reading of a call: it takes only what the contract's model takes, as the same call."""

from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from services.router.predict.requests import Incoming, from_validated, parse_fast, read
from shared.contracts.decisions import PredictRequest
from shared.problems import NotJson, Unprocessable

# orjson writes no larger integers.
integers = st.integers(-(2**63), 2**64 - 1)
scalars = st.none() | st.booleans() | integers | st.floats(allow_nan=False) | st.text()
odd = scalars | st.lists(scalars, max_size=2) | st.dictionaries(st.text(), scalars, max_size=2)
characters = st.characters(categories=["L", "N", "P", "Zs", "Cc", "Cf", "So"])
item_ids = st.text(characters, max_size=201)
metadata = st.dictionaries(st.text(max_size=101), st.text(max_size=3) | odd, max_size=2)


def with_faults(members: dict[str, st.SearchStrategy[Any]]) -> st.SearchStrategy[dict[str, Any]]:
    """Objects of these members, each of which may be missing, odd, or beside an unknown one."""
    return st.builds(
        lambda known, unknown: known | unknown,
        st.fixed_dictionaries({}, optional=members),
        st.just({}) | st.dictionaries(st.text(max_size=5), odd, max_size=1),
    )


items = with_faults(
    {
        "item_id": item_ids | odd,
        "data": st.dictionaries(st.text(max_size=5), odd, max_size=3) | odd,
        "metadata": metadata | odd,
    }
)
good_items = st.fixed_dictionaries(
    {"item_id": item_ids, "data": st.dictionaries(st.text(max_size=5), odd, max_size=3)},
    optional={"metadata": st.dictionaries(st.text(max_size=5), st.text(max_size=5), max_size=2)},
)
calls = with_faults(
    {
        "items": st.lists(good_items | items, max_size=3) | odd,
        "wait_seconds": st.integers(-1, 61) | st.floats(-1, 61) | odd,
        "review": st.sampled_from(["auto", "always", "never", "Auto"]) | odd,
    }
)


@given(calls | odd)
def test_what_is_plain_is_what_the_model_reads(document: Any) -> None:
    plain = parse_fast(orjson.loads(orjson.dumps(document)))
    if plain is None:
        return
    full = from_validated(PredictRequest.model_validate(document))
    assert _comparable(plain, document) == _comparable(full, document)


@given(st.lists(good_items, min_size=1, max_size=3))
def test_a_good_call_is_read(given_items: list[dict[str, Any]]) -> None:
    body = orjson.dumps({"items": given_items})
    try:
        full = from_validated(PredictRequest.model_validate(orjson.loads(body)))
    except ValidationError:
        with pytest.raises(Unprocessable):
            read(body)
    else:
        assert read(body) == full


def test_an_ordinary_call_is_plain() -> None:
    entry = {"item_id": "order-17", "data": {"text": "fine"}, "metadata": {"channel": "web"}}
    assert parse_fast({"items": [entry], "wait_seconds": 0, "review": "auto"}) is not None
    assert parse_fast({"items": [{"data": {"text": "fine"}}]}) is not None


@pytest.mark.parametrize(
    ("body", "problem"),
    [
        (b"{", NotJson),
        (b'{"items":[{"data":{"score":NaN}}]}', Unprocessable),
        (b'{"items":[]}', Unprocessable),
        (b'{"items":[{"data":{}}],"items":[]}', Unprocessable),
        (b'{"items":[{"data":{},"item_id":"a\\u0007"}]}', Unprocessable),
        (b'{"items":[{"data":{}}],"wait_seconds":true}', Unprocessable),
        (b'{"items":[{"data":{}}],"reviewed":"auto"}', Unprocessable),
        (b"[]", Unprocessable),
    ],
)
def test_a_fault_is_named(body: bytes, problem: type[Exception]) -> None:
    with pytest.raises(problem):
        read(body)


def _comparable(call: Incoming, document: dict[str, Any]) -> Incoming:
    """The call without the ids that we gave."""
    for item, entry in zip(call.items, document["items"], strict=True):
        item.item_id = entry.get("item_id", "ours")
    return call
