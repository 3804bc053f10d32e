"""The identity of contents."""

from typing import Any

from services.trainer.content import content_hash


def test_case_space_and_key_order_do_not_count() -> None:
    assert content_hash({"a": "One  two", "b": 1}) == content_hash({"b": 1, "a": " ONE two\n"})


def test_everything_else_counts() -> None:
    contents: list[dict[str, Any]] = [
        {"a": "x"},
        {"a": "y"},
        {"b": "x"},
        {"a": ["x"]},
        {"a": 1},
        {"a": {"x": 1}},
        {},
    ]
    assert len({content_hash(data) for data in contents}) == len(contents)
