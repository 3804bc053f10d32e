"""Rows of a table as items, settings as a patch, and a first project from a few answers."""

from typing import Any

import pytest

from services.console.pages.configuration import label_displays
from services.console.pages.configuration.fields import SETTINGS, differences, patch_of
from services.console.pages.data.rows import ColumnMapping, TableRows, map_rows
from services.console.pages.first_project.view import fields_of, price_of, project_of
from shared.contracts.projects import Project

TYPES = {"text": {"type": "text"}, "stars": {"type": "number"}, "order": {"type": "json"}}


def table(*rows: list[str], **mapping: Any) -> TableRows:
    given = {"fields": {"text": 0, "stars": 1, "order": 2}, **mapping}
    lines = list(range(2, 2 + len(rows)))
    return TableRows(mapping=ColumnMapping(**given), rows=list(rows), lines=lines)


def test_rows_become_items_by_the_types_of_the_fields() -> None:
    row = ["fine", "4", '{"sku": "K"}', " good ", "web"]
    mapped = map_rows(table(row, label=3, metadata={"channel": 4}), TYPES)
    ((line, item),) = mapped.labelled
    assert line == 2
    assert item["data"] == {"text": "fine", "stars": 4.0, "order": {"sku": "K"}}
    assert (item["label"], item["metadata"]) == ("good", {"channel": "web"})


def test_a_row_without_an_id_is_the_same_item_each_time() -> None:
    (first,) = map_rows(table(["a", "1", "null"]), TYPES).unlabelled
    (again,) = map_rows(table(["a", "1", "null"]), TYPES).unlabelled
    (other,) = map_rows(table(["b", "1", "null"]), TYPES).unlabelled
    assert first == again
    assert first[1]["item_id"] != other[1]["item_id"]


def test_rows_that_are_no_items_are_named_with_their_lines() -> None:
    good, bad, short = ["a", "1", "null"], ["b", "many", "null"], ["c"]
    mapped = map_rows(table(good, bad, short), TYPES)
    assert [line for line, _ in mapped.unlabelled] == [2]
    assert [one["line"] for one in mapped.rejected] == [3, 4]
    assert "is no number" in mapped.rejected[0]["detail"]


def project(**changes: Any) -> dict[str, Any]:
    answers = {"title": "Shop", "labels": "bad\ngood", "fields": "text", "first_labels": "60"}
    return {**project_of(answers), "retention_days": 90.0, **changes}


def shown(document: dict[str, Any]) -> dict[str, str]:
    return {setting.name: setting.shown(document) for setting in SETTINGS}


def test_an_untouched_form_changes_nothing() -> None:
    values = shown(project(instructions="one\ntwo"))
    sent = {name: text.replace("\n", "\r\n") for name, text in values.items()}
    assert patch_of(values, sent) == {}


def test_a_patch_has_only_what_was_changed() -> None:
    before = shown(project())
    wanted = {**before, "promise.target_accuracy": "92,5", "labels": "bad\r\ngood\r\nmixed\r\n"}
    assert patch_of(before, wanted) == {
        "labels": ["bad", "good", "mixed"],
        "promise": {"target_accuracy": 0.925},
    }


@pytest.mark.parametrize(
    ("name", "text"),
    [("retention_days", "soon"), ("promise.certification_labels", "40.5"), ("review.overlap", "")],
)
def test_a_value_that_does_not_hold_is_named_in_words(name: str, text: str) -> None:
    before = {**shown(project()), name: "1"}
    (setting,) = (one for one in SETTINGS if one.name == name)
    with pytest.raises(ValueError, match=setting.words):
        patch_of(before, {**before, name: text})


def test_differences_tell_what_both_have_changed() -> None:
    before = shown(project())
    found = differences(before, project(title="Theirs"), {**before, "title": "Mine"})
    assert [(one.words, one.is_contested) for one in found] == [("Title", True)]
    assert differences(before, project(), before) == []


def test_a_first_project_is_one_that_the_review_queue_takes() -> None:
    answers = {
        "title": "Shop reviews",
        "labels": " good \n\nbad\ngood",
        "fields": "text\nstars : number",
        "target": "0.95",
        "first_labels": "100",
    }
    spec = project_of(answers)
    assert spec["labels"] == ["good", "bad"]
    assert spec["fields"] == {"text": {"type": "text"}, "stars": {"type": "number"}}
    assert spec["promise"]["certification_labels"] == price_of(0.95).asked > price_of(0.95).least
    assert {"title", "labels", "fields", "promise", "training"} <= set(Project.model_fields)


@pytest.mark.parametrize("text", ["two words", "1st", "text: picture", "a: b: c"])
def test_a_field_that_is_none_is_named(text: str) -> None:
    with pytest.raises(ValueError, match="is no field"):
        fields_of(text)


@pytest.mark.parametrize("text", ["no JSON", "[1]", '{"a": 1}', '{"a": {"name": 1}}'])
def test_a_forged_display_of_labels_is_named_and_shown_as_no_display(text: str) -> None:
    with pytest.raises(ValueError, match="cannot be read"):
        patch_of({"label_display": text}, {"label_display": '{"a":{"name":"A"}}'})
    assert label_displays.rows(["a"], text) == [label_displays.DisplayRow("a")]
    assert label_displays.in_words(text) == text
