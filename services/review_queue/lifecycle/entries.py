"""Entries of a batch, checked one by one against their project (pure)."""

from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError

from shared.contracts.base import task_id_for
from shared.contracts.items import canonical_digest, check_data, check_metadata
from shared.contracts.projects import Project
from shared.contracts.tasks import NewTask, TaskReceipt
from shared.problems.faults import faults_of

_FAULTS_SHOWN = 10
_OF_DELETED = "is before the project was created: the item was sent to a deleted project"


@dataclass(frozen=True)
class Entry:
    """An entry that holds; `digest` is of its data."""

    task: NewTask
    task_id: str
    digest: str


def check_entry(project: Project, entry: dict[str, Any]) -> "Entry | TaskReceipt":
    """Return the task that an entry asks for, or the receipt that rejects it."""
    try:
        task = NewTask.model_validate(entry)
    except ValidationError as error:
        return TaskReceipt(**rejection(entry.get("item_id"), faults_of(error)))
    faults = check_data(task.data, project.fields)
    faults += check_metadata(task.metadata, project.metadata)
    if _is_of_deleted(project, task):
        faults.append(("/prediction/received_at", _OF_DELETED))
    if faults:
        return TaskReceipt(**rejection(task.item_id, faults))
    return Entry(task, task_id_for(project.project, task.item_id), canonical_digest(task.data))


def _is_of_deleted(project: Project, task: NewTask) -> bool:
    """Say whether a router took the item for an earlier project of this name."""
    if project.first_revision == 1 or task.prediction is None:
        return False
    received_at = task.prediction.received_at
    return received_at is not None and received_at < project.created_at


def rejection(item_id: object, faults: list[tuple[str, str]]) -> dict[str, Any]:
    """Return what the receipt of a rejected entry says."""
    item_id = item_id if isinstance(item_id, str) else ""
    return {"item_id": item_id, "task_id": None, "status": "rejected", "detail": told(faults)}


def told(faults: list[tuple[str, str]]) -> str:
    """Return the first ten faults of an entry, or of a row, in one line."""
    return "; ".join(f"{pointer}: {fault}" for pointer, fault in faults[:_FAULTS_SHOWN])
