import io
import json
from typing import Any

import pytest

from services.review_queue.exchange.formats.label_studio import LabelStudioWriter, read
from services.review_queue.exchange.records import Row, UnreadableError
from tests.unit.review_queue.exchange.projects import documents_of, project_of, record

PROJECT = project_of(text={"type": "text"})


def choice(*labels: str | list[str], kind: str = "choices") -> dict[str, Any]:
    value = {"choices": list(labels)}
    return {"from_name": "mood", "to_name": "review", "type": kind, "value": value}


def task(**parts: Any) -> dict[str, Any]:
    """A task as Label Studio exports it, with keys that are of no use here."""
    return {
        "id": 7,
        "data": {"text": "fine"},
        "file_upload": "a.json",
        "drafts": [],
        "total_annotations": 1,
        "inner_id": 1,
        **parts,
    }


def annotation(*results: Any, **parts: Any) -> dict[str, Any]:
    return {
        "id": 3,
        "completed_by": 5,
        "result": list(results),
        "was_cancelled": False,
        "ground_truth": False,
        "lead_time": 12.5,
        "created_at": "2026-11-24T06:00:00.000001Z",
        "updated_at": "2026-11-24T09:00:00.000001Z",
        **parts,
    }


def rows_of(*tasks: Any) -> list[Row]:
    return documents_of("label-studio", json.dumps(tasks).encode(), PROJECT)


def document_of(one: Any) -> dict[str, Any]:
    (row,) = rows_of(one)
    assert row.document is not None, row.fault
    return row.document


def test_an_annotation_is_a_verdict_of_its_annotator() -> None:
    document = document_of(task(annotations=[annotation(choice("positive"))]))
    assert document["item_id"] == "label-studio-7"
    assert document["data"] == {"text": "fine"}
    (verdict,) = document["verdicts"]
    assert verdict == {
        "reviewer": "label-studio-user-5",
        "label": "positive",
        "skipped": False,
        "active_seconds": 12.5,
        "given_at": "2026-11-24T06:00:00.000001Z",
    }


def test_a_cancelled_annotation_is_a_skip_and_an_empty_one_is_nothing() -> None:
    cancelled = annotation(choice("positive"), was_cancelled=True)
    document = document_of(task(annotations=[cancelled, annotation()]))
    (skip,) = document["verdicts"]
    assert (skip["skipped"], skip["label"]) == (True, None)


@pytest.mark.parametrize(
    ("person", "reviewer"),
    [
        ({"id": 4, "email": "anna@shop"}, "anna@shop"),
        ({"id": 4}, "label-studio-user-4"),
        ("anna", "anna"),
        (None, "label-studio"),
    ],
)
def test_annotators_keep_their_names(person: Any, reviewer: str) -> None:
    given = annotation(choice("positive"), completed_by=person)
    (verdict,) = document_of(task(annotations=[given]))["verdicts"]
    assert verdict["reviewer"] == reviewer


def test_a_ground_truth_says_the_label() -> None:
    others = [annotation(choice("negative"), completed_by=one) for one in (1, 2)]
    truth = annotation(choice("positive"), ground_truth=True)
    assert document_of(task(annotations=[*others, truth]))["label"] == "positive"


@pytest.mark.parametrize(
    "result",
    [
        choice("negative", "positive"),
        choice(["Sentiment", "negative"]),
        {"type": "taxonomy", "value": {"taxonomy": [["Sentiment", "negative"]]}},
        {"type": "textarea", "value": {"text": ["why"]}},
        "negative",
    ],
)
@pytest.mark.parametrize("ground_truth", [False, True])
def test_an_answer_that_is_not_one_label_is_refused_and_not_dropped(
    result: Any, ground_truth: bool
) -> None:
    good, bad = annotation(choice("negative")), annotation(result, ground_truth=ground_truth)
    (row,) = rows_of(task(annotations=[good, bad]))
    assert row.fault == "/annotations/1/result: is not one label of this project"
    # What he took back he did not say.
    cancelled = {**bad, "was_cancelled": True}
    assert document_of(task(annotations=[good, cancelled]))["verdicts"][1]["skipped"]


def test_other_regions_and_controls_are_let_be() -> None:
    results = [
        {"type": "textarea", "value": {"text": ["why"]}},
        choice("dogs"),
        choice("a", "b"),
        choice("negative"),
    ]
    (verdict,) = document_of(task(annotations=[annotation(*results)]))["verdicts"]
    assert verdict["label"] == "negative"


def test_longer_times_than_a_day_and_less_than_none_are_bounded() -> None:
    times = [annotation(choice("positive"), lead_time=one) for one in (10**6, -1, None)]
    verdicts = document_of(task(annotations=times))["verdicts"]
    assert [one["active_seconds"] for one in verdicts] == [86_400.0, 0, None]


def test_metadata_and_ids_are_found_where_people_keep_them() -> None:
    data = {"text": "fine", "channel": 5, "item_id": "order-1"}
    document = document_of(task(data=data))
    assert document["item_id"] == "order-1"
    assert document["metadata"] == {"channel": "5"}
    assert document["data"] == {"text": "fine"}
    assert document_of(task(meta={"item_id": "m", "channel": "web"}))["metadata"] == {
        "channel": "web"
    }


def test_the_newest_prediction_counts() -> None:
    predictions = [
        {"model_version": "v1", "score": 0.5, "result": [choice("positive")]},
        {"model_version": "v2", "score": 12.0, "result": [choice("negative")]},
        {"model_version": "v3", "score": 1, "result": []},
    ]
    document = document_of(task(predictions=predictions))
    assert document["prediction"] == {
        "label": "negative",
        "confidence": None,
        "model_version": "v2",
    }


@pytest.mark.parametrize(
    ("broken", "fault"),
    [
        ("text", ": is not an object"),
        ({"id": 1}, "/data: is not an object"),
        (task(meta=[]), None),
        (task(meta=["x"]), "/meta: is not an object"),
        (task(annotations=["x"]), "/annotations: is not a list of objects"),
        (
            task(annotations=[annotation(choice("dogs"))]),
            "/annotations/0/result: is not one label of this project",
        ),
        ([task()], ": is not an object"),
        (1, ": is not an object"),
    ],
)
def test_a_broken_task_spoils_no_other(broken: Any, fault: str | None) -> None:
    rows = rows_of(broken, task())
    assert [row.line for row in rows] == [1, 2]
    assert rows[0].fault == fault
    assert rows[1].document is not None


@pytest.mark.parametrize("content", [b"", b"{}", b'{"tasks": []}', b"[{", b"\xff", b"[" * 9000])
def test_what_is_no_list_cannot_be_read(content: bytes) -> None:
    with pytest.raises(UnreadableError):
        documents_of("label-studio", content, PROJECT)


def test_a_number_too_large_for_a_float_is_refused() -> None:
    content = b'[{"id": 1, "data": {"text": 1e400}}]'
    (row,) = documents_of("label-studio", content, PROJECT)
    assert row.fault == "/data/text: must be a finite number"


def test_tasks_before_a_break_are_read() -> None:
    content = json.dumps([task(), task()]).encode()[:-2]
    rows = read(io.BufferedReader(io.BytesIO(content)), PROJECT)
    assert next(rows).document is not None
    with pytest.raises(UnreadableError, match="Behind task 1"):
        next(rows)


def test_an_export_is_what_label_studio_takes() -> None:
    writer = LabelStudioWriter(PROJECT)
    prediction = {"label": "positive", "confidence": 0.75, "model_version": "v3"}
    records = [
        record(prediction=prediction, lane="gold", metadata={"channel": "web"}),
        record(verdicts=[{**record()["verdicts"][0], "reviewer": "anna@shop"}]),
    ]
    content = b"".join(
        [writer.begin(), writer.records(records[:1]), writer.records(records[1:]), writer.end()]
    )
    first, second = json.loads(content)
    result = {"from_name": "label", "to_name": "text", "type": "choices"}
    negative = {**result, "value": {"choices": ["negative"]}}
    assert first["annotations"] == [
        {
            "result": [negative],
            "was_cancelled": False,
            "ground_truth": True,
            "lead_time": 1.5,
            "created_at": "2026-11-24T06:00:00.123456Z",
            "surehand": {
                "reviewer": "r1",
                "comment": None,
                "blind": True,
                "instructions_revision": 2,
            },
        }
    ]
    positive = {**result, "value": {"choices": ["positive"]}}
    assert first["predictions"] == [{"model_version": "v3", "score": 0.75, "result": [positive]}]
    assert first["meta"]["item_id"] == "a"
    assert first["meta"]["metadata"] == {"channel": "web"}
    assert second["annotations"][0]["completed_by"] == {"email": "anna@shop"}
    assert not second["annotations"][0]["ground_truth"]


def test_an_empty_export_is_an_empty_list() -> None:
    writer = LabelStudioWriter(PROJECT)
    assert json.loads(writer.begin() + writer.records([]) + writer.end()) == []


def test_annotations_made_there_say_how_a_task_stands_that_went_through_label_studio() -> None:
    writer = LabelStudioWriter(PROJECT)
    (untouched,) = json.loads(writer.begin() + writer.records([record()]) + writer.end())
    assert document_of(untouched)["state"] == "resolved"
    # Label Studio keeps `meta`, drops keys that it does not know, and adds its own.
    del untouched["annotations"][0]["surehand"]
    document = document_of({"id": 1, **untouched, "annotations": [
        *untouched["annotations"], annotation(choice("positive")), annotation(choice("positive"))
    ]})  # fmt: skip
    assert document["item_id"] == "a"
    assert "state" not in document
    assert document["label"] is None
    assert [one["label"] for one in document["verdicts"]] == ["negative", "positive", "positive"]
