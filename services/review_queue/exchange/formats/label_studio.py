"""Label Studio's JSON: a list of tasks with `data`, `meta`, `annotations` and `predictions`.

Keys that Label Studio has and we have no use for are let be. What it has no place for lies in
`meta`, which it keeps, and in `surehand` in each annotation, which it drops: annotations that lack
it were made or changed there, so they alone say how the task stands.
"""

from collections.abc import Generator, Sequence
from io import BufferedReader
from typing import Any

import orjson

from services.review_queue.exchange.formats.json_list import entries
from services.review_queue.exchange.formats.writer import Record, Writer, to_json
from services.review_queue.exchange.records import LONGEST_ACTIVE_SECONDS, STANDING, Row
from shared.contracts.projects import Project
from shared.http.body import parse_json_part

FROM_NAME = "label"
_KEPT = ("metadata", "lane", "due_at", "created_at", "prediction")
_OWN = "surehand"
_ASIDE = ("reviewer", "comment", "blind", "instructions_revision")
_USER = "label-studio-user-"


def read(file: BufferedReader, project: Project) -> Generator[Row, None, None]:
    """Give a row for each task of the list, one at a time.

    Raises `UnreadableError` (it is not a list of JSON objects, or stops being one).
    """
    for number, text in enumerate(entries(file), start=1):
        yield _row(number, text, project)


def _row(number: int, text: bytes, project: Project) -> Row:
    try:
        return Row(number, _record(parse_json_part(text), project))
    except ValueError as error:
        return Row(number, None, str(error))


def _record(task: Any, project: Project) -> dict[str, Any]:
    _require(isinstance(task, dict), "", "is not an object")
    data, meta = task.get("data"), task.get("meta") or {}
    _require(isinstance(data, dict), "/data", "is not an object")
    _require(isinstance(meta, dict), "/meta", "is not an object")
    annotations = task.get("annotations") or []
    _require(
        isinstance(annotations, list) and all(isinstance(one, dict) for one in annotations),
        "/annotations",
        "is not a list of objects",
    )
    record = {key: meta[key] for key in _KEPT if meta.get(key) is not None}
    record["item_id"] = _item_id(task, data, meta, project)
    record["data"] = {key: value for key, value in data.items() if not _is_aside(key, project)}
    record.setdefault("metadata", _metadata(data, meta, project))
    record.setdefault("prediction", _prediction(task.get("predictions")))
    verdicts = [_verdict(at, one, project) for at, one in enumerate(annotations) if _is_answer(one)]
    record["verdicts"] = verdicts
    if all(isinstance(one.get(_OWN), dict) for one in annotations):
        record |= {key: meta[key] for key in STANDING if meta.get(key) is not None}
    else:
        record["label"] = _ground_truth(annotations, project)
    return record


def _require(holds: bool, pointer: str, fault: str) -> None:
    if not holds:
        raise ValueError(f"{pointer}: {fault}")


def _item_id(task: Any, data: Any, meta: Any, project: Project) -> Any:
    if meta.get("item_id") is not None:
        return meta["item_id"]
    if data.get("item_id") is not None and "item_id" not in project.fields:
        return data["item_id"]
    # As the router names it when the same task comes by Label Studio's webhook.
    return f"label-studio-{task['id']}" if isinstance(task.get("id"), int | str) else None


def _is_aside(key: str, project: Project) -> bool:
    return key not in project.fields and (key == "item_id" or key in project.metadata)


def _metadata(data: Any, meta: Any, project: Project) -> dict[str, str]:
    """Return the project's metadata from where Label Studio's users keep such things."""
    given = {key: data[key] for key in data if _is_aside(key, project)} | meta
    return {
        key: given[key] if isinstance(given[key], str) else orjson.dumps(given[key]).decode()
        for key in project.metadata
        if given.get(key) is not None
    }


def _prediction(predictions: Any) -> dict[str, Any] | None:
    """Return the newest prediction that is of this kind."""
    for one in reversed(predictions if isinstance(predictions, list) else []):
        label = next(iter(_choices(one)), None) if isinstance(one, dict) else None
        if label is not None:
            score, version = one.get("score"), one.get("model_version")
            is_share = isinstance(score, int | float) and 0 <= score <= 1
            return {
                "label": label,
                "confidence": score if is_share else None,
                "model_version": version if isinstance(version, str) else None,
            }
    return None


def _choices(annotation: dict[str, Any]) -> list[str]:
    """Return the single choices in an annotation or a prediction."""
    found = []
    result = annotation.get("result")
    for region in result if isinstance(result, list) else []:
        value = region.get("value") if isinstance(region, dict) else None
        choices = value.get("choices") if isinstance(value, dict) else None
        if isinstance(choices, list) and len(choices) == 1 and isinstance(choices[0], str):
            found.append(choices[0])
    return found


def _is_answer(annotation: dict[str, Any]) -> bool:
    # An answer that cannot be read is refused, not dropped.
    return bool(annotation.get("was_cancelled")) or bool(annotation.get("result"))


def _label(at: int, annotation: dict[str, Any], project: Project) -> str:
    labels = {choice for choice in _choices(annotation) if choice in project.labels}
    _require(len(labels) == 1, f"/annotations/{at}/result", "is not one label of this project")
    return labels.pop()


def _verdict(at: int, annotation: dict[str, Any], project: Project) -> dict[str, Any]:
    skipped = bool(annotation.get("was_cancelled"))
    seconds = annotation.get("lead_time")
    own = annotation.get(_OWN)
    return {
        "reviewer": _reviewer(annotation.get("completed_by")),
        "label": None if skipped else _label(at, annotation, project),
        "skipped": skipped,
        "active_seconds": min(max(seconds, 0), LONGEST_ACTIVE_SECONDS)
        if isinstance(seconds, int | float)
        else None,
        "given_at": annotation.get("created_at"),
        **(own if isinstance(own, dict) else {}),
    }


def _reviewer(person: Any) -> Any:
    if isinstance(person, dict):
        person = person.get("email") or person.get("id")
    if isinstance(person, int):
        return f"{_USER}{person}"
    return person or "label-studio"


def _ground_truth(annotations: list[dict[str, Any]], project: Project) -> str | None:
    for at, one in enumerate(annotations):
        if one.get("ground_truth") and not one.get("was_cancelled") and _is_answer(one):
            return _label(at, one, project)
    return None


class LabelStudioWriter(Writer):
    """Writes Label Studio's JSON, for a `<Choices name="label">` on the project's first field."""

    def __init__(self, project: Project) -> None:
        self._to_name = next(iter(project.fields))
        self._before = b"["

    def records(self, records: Sequence[Record]) -> bytes:
        """Return tasks."""
        pieces = []
        for record in records:
            pieces += [self._before, b"\n", to_json(self._task(record))]
            self._before = b","
        return b"".join(pieces)

    def end(self) -> bytes:
        """Close the list."""
        return b"[]\n" if self._before == b"[" else b"\n]\n"

    def _task(self, record: Record) -> dict[str, Any]:
        meta = {key: record[key] for key in ("item_id", *_KEPT, *STANDING)}
        label, gold = record["label"], record["lane"] == "gold"
        return {
            "data": record["data"],
            "meta": meta,
            "annotations": [
                self._annotation(one, ground_truth=gold and label in {one["label"]} - {None})
                for one in record["verdicts"]
            ],
            "predictions": self._predictions(record["prediction"] or {}),
        }

    def _annotation(self, verdict: Record, *, ground_truth: bool) -> dict[str, Any]:
        own = {key: verdict[key] for key in _ASIDE}
        return {
            "result": self._result(verdict["label"]),
            "was_cancelled": verdict["skipped"],
            "ground_truth": ground_truth,
            "lead_time": verdict["active_seconds"],
            "created_at": verdict["given_at"],
            **_completed_by(verdict["reviewer"]),
            _OWN: own,
        }

    def _predictions(self, prediction: Record) -> list[dict[str, Any]]:
        if prediction.get("label") is None:
            return []
        return [
            {
                "model_version": prediction["model_version"],
                "score": prediction["confidence"],
                "result": self._result(prediction["label"]),
            }
        ]

    def _result(self, label: str | None) -> list[dict[str, Any]]:
        if label is None:
            return []
        value = {"choices": [label]}
        names = {"from_name": FROM_NAME, "to_name": self._to_name}
        return [{**names, "type": "choices", "value": value}]


def _completed_by(reviewer: str) -> dict[str, Any]:
    """Name the annotator as Label Studio can find one; others are left out."""
    number = reviewer.removeprefix(_USER)
    if number != reviewer and number.isascii() and number.isdigit():
        return {"completed_by": int(number)}
    return {"completed_by": {"email": reviewer}} if "@" in reviewer else {}
