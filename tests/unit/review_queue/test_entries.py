from datetime import UTC, datetime
from typing import Any

import pytest

from services.review_queue.lifecycle.entries import Entry, check_entry
from shared.contracts.base import task_id_for
from shared.contracts.items import canonical_digest
from shared.contracts.projects import Project
from shared.contracts.tasks import TaskReceipt

NOW = datetime(2026, 11, 24, tzinfo=UTC)
PROJECT = Project.model_validate(
    {
        "project": "shop",
        "labels": ["negative", "positive"],
        "fields": {"text": {"type": "text", "max_length": 10}, "stars": {"type": "number"}},
        "metadata": ["channel"],
        "revision": 1,
        "created_at": NOW,
        "updated_at": NOW,
    }
)
GOOD: dict[str, Any] = {"item_id": "a", "data": {"text": "fine", "stars": 4}}


def test_good_entry_is_named_by_project_and_item() -> None:
    checked = check_entry(PROJECT, GOOD)
    assert isinstance(checked, Entry)
    assert checked.task_id == task_id_for("shop", "a")
    assert checked.task.lane == "mandatory"


@pytest.mark.parametrize(
    ("changes", "pointer"),
    [
        ({"data": {"text": "fine"}}, "/data/stars"),
        ({"data": {"text": "fine", "stars": "4"}}, "/data/stars"),
        ({"data": {"text": "fine", "stars": True}}, "/data/stars"),
        ({"data": {"text": "x" * 11, "stars": 4}}, "/data/text"),
        ({"data": {"text": "a\x00b", "stars": 4}}, "/data/text"),
        ({"data": {"text": "fine", "stars": 4, "more/~": 1}}, "/data/more~1~0"),
        ({"data": []}, "/data"),
        ({"metadata": {"shelf": "3"}}, "/metadata/shelf"),
        ({"metadata": {"channel": 3}}, "/metadata/channel"),
        ({"lane": "express"}, "/lane"),
        ({"due_at": "tomorrow"}, "/due_at"),
        ({"due_at": "2026-11-24T06:00:00"}, "/due_at"),
        ({"prediction": {"confidence": 1.5}}, "/prediction/confidence"),
        ({"item_id": "x" * 201}, "/item_id"),
        ({"item_id": "a\nb"}, "/item_id"),
        ({"item_id": 7}, "/item_id"),
        ({"colour": "red"}, "/colour"),
    ],
)
def test_bad_entry_is_rejected_with_its_pointer(changes: dict[str, Any], pointer: str) -> None:
    checked = check_entry(PROJECT, GOOD | changes)
    assert isinstance(checked, TaskReceipt)
    assert checked.status == "rejected"
    assert checked.task_id is None
    assert checked.detail is not None
    assert checked.detail.startswith(pointer + ": ")


def test_bad_entry_spoils_no_neighbour() -> None:
    entries = [GOOD, {"item_id": "b"}, GOOD | {"item_id": "c"}]
    checked = [check_entry(PROJECT, one) for one in entries]
    assert [isinstance(one, Entry) for one in checked] == [True, False, True]


def test_digest_is_of_content_not_of_order() -> None:
    assert canonical_digest({"a": 1, "b": [2]}) == canonical_digest({"b": [2], "a": 1})
    assert canonical_digest({"a": 1}) != canonical_digest({"a": 2})
