"""Rows of a table as items, settings as a patch, and a first project from a few answers."""

from typing import Any

import pytest

from services.console.pages.configuration import label_displays
from services.console.pages.configuration.changes import (
    SettingsError,
    differences,
    faults_at,
    patch_of,
)
from services.console.pages.configuration.fields import SETTINGS
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
    assert "is not a number" in mapped.rejected[0]["detail"]


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


GATE = {"margin": 0.02, "canary": [0.05, 0.25], "shadow": None, "slice_items": 60}


def gated(**gate: Any) -> dict[str, Any]:
    """Return the settings of a project as the form shows them."""
    return shown(project(training={"auto_promote": True, "gate": {**GATE, **gate}}))


def test_shadow_is_switched_on_and_off_without_its_other_members() -> None:
    off, on = gated(), gated(shadow={"labels": 100, "share": 0.5, "days": 7.0})
    name = "training.gate.shadow"
    assert (off[name], on[name], on[f"{name}.share"]) == ("", "on", "50")
    switched = patch_of(off, {**off, name: "on"})
    assert switched == {"training": {"gate": {"shadow": {}}}}
    sized = patch_of(off, {**off, name: "on", f"{name}.labels": "80"})
    assert sized == {"training": {"gate": {"shadow": {"labels": 80}}}}
    assert patch_of(on, {**on, name: ""}) == {"training": {"gate": {"shadow": None}}}
    # Null: the default again.
    emptied = patch_of(on, {**on, f"{name}.labels": ""})
    assert emptied == {"training": {"gate": {"shadow": {"labels": None}}}}


def test_a_canary_is_a_percentage_on_each_line() -> None:
    before = gated()
    assert before["training.gate.canary"] == "5\n25"
    wanted = {**before, "training.gate.canary": "2,5\r\n 10 % \r\n\r\n50"}
    assert patch_of(before, wanted) == {"training": {"gate": {"canary": [0.025, 0.1, 0.5]}}}
    assert patch_of(before, {**before, "training.gate.canary": ""})["training"]["gate"] == {
        "canary": []
    }


@pytest.mark.parametrize(
    ("changes", "faults"),
    [
        ({"canary": "5\nmany"}, {"canary": "'many' is not a number"}),
        ({"canary": "5\n250"}, {"canary": "'250' is not a percentage from 0 to 100"}),
        ({"margin": "nan", "gold_share": "-1"}, {
            "margin": "'nan' is not a number",
            "gold_share": "'-1' is not a percentage from 0 to 100",
        }),
        ({"shadow.labels": "50"}, {
            "shadow.labels": "has no effect without “Compare it in shadow first”"
        }),
    ],
)  # fmt: skip
def test_each_setting_that_does_not_hold_has_its_fault(
    changes: dict[str, str], faults: dict[str, str]
) -> None:
    before, place = gated(), "training.gate."
    with pytest.raises(SettingsError) as raised:
        patch_of(before, before | {place + name: text for name, text in changes.items()})
    assert raised.value.faults == {place + name: why for name, why in faults.items()}


def test_faults_of_a_refusal_are_those_of_the_fields_that_they_point_at() -> None:
    errors = [
        {"pointer": "/training/gate/shadow/labels", "detail": "must be at most 10000"},
        {"pointer": "/training/gate/canary/1", "detail": "must be less than 1"},
        {"pointer": "/training/gate/canary", "detail": "the shares of a canary must rise"},
        {"pointer": "/no/field", "detail": "is unknown"},
        {"pointer": "", "detail": "is no object"},
    ]
    assert faults_at(errors) == {
        "training.gate.shadow.labels": "must be at most 10000",
        "training.gate.canary": "must be less than 1",
    }


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
    assert label_displays.rows(["a"], text) == [{"label": "a", **label_displays.NOTHING}]
    assert label_displays.in_words(text) == text
