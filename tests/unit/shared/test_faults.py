"""Faults of a body: the first hundred, found without looking at all the others."""

from typing import Annotated, Any

import orjson
import pytest
from pydantic import BeforeValidator, TypeAdapter, ValidationError

from services.router.predict.calls import check_items
from services.router.predict.requests import Asked, read
from shared.contracts.base import FAULTS_SHOWN, FirstFaults, utc_now
from shared.contracts.decisions import PredictRequest
from shared.contracts.items import check_data
from shared.contracts.projects import Project
from shared.contracts.tasks import NewTask
from shared.fields.spec import FieldSpec
from shared.fields.text import TextField
from shared.problems import Unprocessable
from shared.problems.faults import faults_of

MANY = 50_000
NAMES = {f"name-{i}": 1 for i in range(MANY)}
LONG = "x" * 1_000_000

BODIES: dict[str, Any] = {
    "unknown members of the call": {"items": [{"data": {}}], **NAMES},
    "unknown members of an item": {"items": [{"data": {}, **NAMES}]},
    "metadata of the wrong type": {"items": [{"data": {}, "metadata": NAMES}]},
    "faults in each of many items": {"items": [{f"name-{i}": 1 for i in range(50)}] * 1000},
    "many items that are none": {"items": [1] * MANY},
    "long names": {"items": [{"data": {}, LONG: 1}]},
}


@pytest.mark.parametrize("body", BODIES.values(), ids=BODIES)
def test_a_refusal_of_predict_is_short_whatever_was_sent(body: Any) -> None:
    with pytest.raises(Unprocessable) as refused:
        read(orjson.dumps(body))
    errors = refused.value.extensions["errors"]
    assert 0 < len(errors) <= FAULTS_SHOWN
    assert len(refused.value.response().body) < 32 * 1024


def test_no_entry_is_looked_at_once_a_hundred_faults_are_found() -> None:
    looked_at: list[int] = []

    def look(entry: int) -> int:
        looked_at.append(entry)
        raise ValueError("is none")

    entries = TypeAdapter(Annotated[list[Annotated[int, BeforeValidator(look)]], *FirstFaults])
    with pytest.raises(ValidationError) as refused:
        entries.validate_python(list(range(1000)))
    assert [fault["loc"] for fault in refused.value.errors()] == [(i,) for i in range(FAULTS_SHOWN)]
    # The first of them twice: only a list with a fault is looked at entry by entry.
    assert looked_at == [0, *range(FAULTS_SHOWN)]


@pytest.mark.parametrize("batch", [[], "text", None, {"0": 1}])
def test_what_is_no_batch_is_one_fault(batch: Any) -> None:
    with pytest.raises(ValidationError) as refused:
        PredictRequest.model_validate({"items": batch})
    assert [fault["loc"] for fault in refused.value.errors()] == [("items",)]


def test_faults_stand_at_their_items() -> None:
    good: dict[str, Any] = {"data": {}}
    bad = {**good, "metadata": {"a": 1}, "b": 2}
    with pytest.raises(Unprocessable) as refused:
        read(orjson.dumps({"items": [good, bad, good, bad]}))
    pointers = [error["pointer"] for error in refused.value.extensions["errors"]]
    assert pointers == ["/items/1/metadata/a", "/items/1/b", "/items/3/metadata/a", "/items/3/b"]


def test_a_message_with_too_many_members_is_one_fault() -> None:
    with pytest.raises(ValidationError) as refused:
        NewTask.model_validate({"item_id": "a", "data": {}, **NAMES})
    assert [fault["msg"] for fault in refused.value.errors()] == ["must have at most 200 members"]


def test_names_that_are_no_fields_are_looked_for_up_to_a_hundred() -> None:
    fields: dict[str, FieldSpec] = {"text": TextField()}
    faults = check_data({LONG: 1, **NAMES}, fields)
    assert len(faults) == FAULTS_SHOWN + 1
    assert max(len(pointer) for pointer, _ in faults) < 300
    project = Project(
        labels=["a", "b"], fields=fields, project="shop", revision=1,
        created_at=utc_now(), updated_at=utc_now(),
    )  # fmt: skip
    with pytest.raises(Unprocessable) as refused:
        check_items([Asked(str(i), {"other": 1}, {}) for i in range(1000)], project)
    # Two an item: `other` is no field, and `text` is missing.
    assert refused.value.extensions["errors"][-1]["pointer"] == "/items/49/data/text"


def test_faults_of_a_batch_are_in_our_words_too() -> None:
    """The validator of a batch raises the faults of its entries again."""
    items = [{"data": 3}, {"item": 1}, {"item_id": "a\n", "data": {}}, {"data": {}, "metadata": []}]
    with pytest.raises(ValidationError) as caught:
        PredictRequest.model_validate({"items": items})
    assert faults_of(caught.value) == [
        ("/items/0/data", "must be an object"),
        ("/items/1/data", "is missing"),
        ("/items/1/item", "is not a member of this object: check the name, or leave it out"),
        ("/items/2/item_id", "must not contain control characters"),
        ("/items/3/metadata", "must be an object"),
    ]
