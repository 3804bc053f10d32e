"""Annotations made in Label Studio become verdicts at the review queue."""

from http import HTTPStatus
from typing import Any

from services.router.delivery.review_queue import QueueAway, QueueRefused, ReviewQueue
from services.router.problems import ItemConflict, QueueUnreachable
from services.router.protocols.label_studio.labeling import bind, label_of, parse_config
from services.router.protocols.label_studio.messages import (
    Annotation,
    AnnotationEvent,
    EventReceipt,
    LabelStudioTask,
)
from services.router.spool.entries import Entry
from shared.contracts.items import check_data
from shared.contracts.projects import Project
from shared.contracts.tasks import Lane
from shared.problems import Conflict, NotFound, Unprocessable

_SECONDS = 5.0
_LONGEST_ACTIVE_SECONDS = 86_400.0
_LONGEST_ID = 200
# Label Studio chose the task, perhaps by our own score: not the uniform draw that a pool is.
_LANE: Lane = "optional"


async def record(
    queue: ReviewQueue, project: Project, event: AnnotationEvent, *, corrects: bool
) -> EventReceipt:
    """Record the annotation of `event` as a verdict on its item, on behalf of its annotator.

    The same annotation again changes nothing.

    Parameters
    ----------
    corrects
        It replaces what was answered before: the task is reopened, and its outcome gets a later
        revision.

    Raises
    ------
    Unprocessable
        Configuration, data or answer do not fit the project.
    Conflict
        The item is known with other data, or was answered otherwise.
    QueueUnreachable
    """
    label, data = _read(project, event)
    if label is None:
        return EventReceipt(status="No label in it")
    item_id = item_id_of(event.task, project)
    task = {"item_id": item_id, "data": data, "metadata": {}}
    verdict = _verdict(label, event.annotation)
    try:
        try:
            task_id = await _answered(queue, project.project, {**task, "lane": _LANE}, verdict)
        except QueueRefused as refusal:
            if not corrects or refusal.status != HTTPStatus.CONFLICT:
                raise
            again = {**task, "lane": "relabel"}
            task_id = await _answered(queue, project.project, again, verdict)
    except QueueAway as away:
        raise QueueUnreachable from away
    except QueueRefused as refusal:
        raise _problem(refusal) from refusal
    return EventReceipt(status="ok", item_id=item_id, task_id=task_id, label=label)


async def _answered(
    queue: ReviewQueue, project: str, task: dict[str, Any], verdict: dict[str, Any]
) -> str:
    """Make the task, which a pre-annotation does not, and answer it; return its id."""
    entry = Entry.of(project, task)
    (receipt,) = await queue.post(project, [entry], seconds=_SECONDS)
    if receipt.status == "rejected":
        raise Unprocessable([("/task/data", receipt.detail or "the review queue rejects it")])
    if receipt.status == "conflict":
        raise ItemConflict([("/task/data", "the item is known with other data")])
    await queue.verdict(project, entry.task_id, verdict, seconds=_SECONDS)
    return entry.task_id


def item_id_of(task: LabelStudioTask, project: Project) -> str:
    """Return the item's own id, if its data has one beside the fields; else the task's number."""
    given = task.data.get("item_id")
    if "item_id" not in project.fields and isinstance(given, str):
        if 0 < len(given) <= _LONGEST_ID and given.isprintable():
            return given
        raise Unprocessable([("/task/data/item_id", "is not an item id")])
    if task.id is None:
        raise Unprocessable([("/task/id", "is missing")])
    return f"label-studio-{task.id}"


def _read(project: Project, event: AnnotationEvent) -> tuple[str | None, dict[str, Any]]:
    """Return the label that the event gives, None for none, and the item's data."""
    try:
        binding = bind(parse_config(event.project.label_config), project.labels, project.fields)
    except ValueError as error:
        raise Unprocessable([("/project/label_config", str(error))]) from error
    data = binding.item_data(event.task.data)
    if event.annotation.was_cancelled:
        return None, data
    try:
        label = label_of(event.annotation.result, binding)
    except ValueError as error:
        raise Unprocessable([("/annotation/result", str(error))]) from error
    if label is not None and label not in project.labels:
        raise Unprocessable([("/annotation/result", "is not a label of this project")])
    if faults := check_data(data, project.fields, "/task/data"):
        raise Unprocessable(faults)
    return label, data


def _verdict(label: str, annotation: Annotation) -> dict[str, Any]:
    """Return the body of a verdict on behalf of who answered last."""
    person = annotation.updated_by or annotation.completed_by
    seconds = annotation.lead_time
    return {
        "reviewer": f"label-studio-user-{person}" if person is not None else "label-studio",
        "label": label,
        "active_seconds": None
        if seconds is None
        else min(max(seconds, 0), _LONGEST_ACTIVE_SECONDS),
    }


def _problem(refusal: QueueRefused) -> Conflict | NotFound | Unprocessable:
    detail = str(refusal.document.get("detail") or "The review queue refuses it.")
    if refusal.status == HTTPStatus.CONFLICT:
        return Conflict(detail)
    if refusal.status == HTTPStatus.NOT_FOUND:
        return NotFound(detail)
    return Unprocessable([("/annotation", detail)])
