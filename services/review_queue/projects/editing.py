"""What an edit makes of a project (pure)."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from pydantic import ValidationError

from services.review_queue.projects.messages import EditEffect, ProjectStatement
from shared.contracts.base import from_stored, rfc3339
from shared.contracts.items import escape_pointer
from shared.contracts.projects import Project, certificate_digest, certified_members
from shared.contracts.versions import PromiseDocument, PromiseEntry
from shared.problems import ProjectArchived, Unprocessable
from shared.problems.faults import faults_of

_POINTERS = {
    "labels": "/labels",
    "fields": "/fields",
    "instructions": "/instructions",
    "target_accuracy": "/promise/target_accuracy",
    "confidence": "/promise/confidence",
}
# States in which a router answers by a version.
_ANSWERING = ("certified", "warn")


def merge_patch(target: Any, patch: Any) -> Any:
    """Return `target` with a JSON merge patch applied (RFC 7386); null removes a member.

    Examples
    --------
    >>> merge_patch({"a": {"b": 1, "c": 2}, "d": [1]}, {"a": {"b": None}, "d": [2]})
    {'a': {'c': 2}, 'd': [2]}
    """
    if not isinstance(patch, dict):
        return patch
    merged = dict(target) if isinstance(target, dict) else {}
    for name, value in patch.items():
        if value is None:
            merged.pop(name, None)
        else:
            merged[name] = merge_patch(merged.get(name), value)
    return merged


def patched(project: Project, patch: dict[str, Any]) -> ProjectStatement:
    """Return what a merge patch states of a project.

    Raises `Unprocessable`: the project would not follow the contract.
    """
    try:
        merged = merge_patch(project.model_dump(mode="json"), patch)
        return ProjectStatement.model_validate(_without_removed_labels(merged, project))
    except ValidationError as error:
        raise Unprocessable(faults_of(error)) from error


def _without_removed_labels(merged: dict[str, Any], project: Project) -> dict[str, Any]:
    """Return the merged project without the displays of labels that the patch removes."""
    labels, displays = merged.get("labels"), merged.get("label_display")
    if not isinstance(labels, list) or not isinstance(displays, dict):
        return merged
    kept = {
        label: display
        for label, display in displays.items()
        if label in labels or label not in project.labels
    }
    return {**merged, "label_display": kept}


def created(name: str, statement: ProjectStatement, now: datetime) -> Project:
    """Return a new project.

    Raises `Unprocessable`: `wording_only` is stated, and there are no instructions before these.
    """
    if statement.wording_only:
        raise Unprocessable([("/wording_only", "a new project has no earlier instructions")])
    moment = rfc3339(now)
    facts = {"project": name, "created_at": moment, "updated_at": moment}
    place = {"revision": 1, "first_revision": 1}
    return from_stored(Project, {**statement.stated(), **facts, **place})


def edited(
    before: Project, statement: ProjectStatement, actor: str | None, now: datetime
) -> Project:
    """Return the project's next revision; `before` itself if nothing changes.

    Raises `ProjectArchived`; `Unprocessable`: `wording_only` is stated, and more of what a
    certificate is about changes than the wording; or a label is mapped that the edit does not
    remove, or to one that the project does not have after it.
    """
    if before.archived_at is not None:
        raise ProjectArchived(before.project)
    document = {**before.model_dump(mode="json"), **statement.stated()}
    if from_stored(Project, document) == before:
        return before
    if faults := list(_mapping_faults(before, statement)):
        raise Unprocessable(faults)
    document["revision"] = before.revision + 1
    document["updated_at"] = rfc3339(now)
    if document["instructions"] != before.instructions:
        document["instructions_revision"] = before.instructions_revision + 1
        document["rewording"] = None
        if statement.wording_only:
            document["rewording"] = {
                "instructions": before.certified_instructions,
                "revision": document["revision"],
                "declared_by": actor,
                "declared_at": document["updated_at"],
            }
    after = from_stored(Project, document)
    if statement.wording_only and (changed := changed_members(before, after)):
        fault = "must not change in an edit that is declared `wording_only`"
        raise Unprocessable([(_POINTERS[member], fault) for member in changed])
    return after


def _mapping_faults(before: Project, statement: ProjectStatement) -> Iterator[tuple[str, str]]:
    for old, new in statement.label_mapping.items():
        pointer = f"/label_mapping/{escape_pointer(old)}"
        if old not in before.labels:
            yield pointer, "is not a label of the project"
        elif old in statement.labels:
            yield pointer, "must be a label that the edit removes"
        if new not in statement.labels:
            yield pointer, "must be mapped to one of the edit's `labels`"


def archived(before: Project, is_archived: bool, now: datetime) -> Project:
    """Return the project archived, or no longer; `before` itself if it is so already."""
    if is_archived == (before.archived_at is not None):
        return before
    moment = rfc3339(now)
    changes = {"archived_at": moment if is_archived else None, "updated_at": moment}
    document = {**before.model_dump(mode="json"), **changes, "revision": before.revision + 1}
    return from_stored(Project, document)


def changed_members(before: Project, after: Project) -> list[str]:
    """Return the names of what certificates are about and the edit changes."""
    old, new = certified_members(before), certified_members(after)
    return [member for member in old if old[member] != new[member]]


def effect_of(
    before: Project | None, after: Project, promise: PromiseDocument | None, now: datetime
) -> EditEffect:
    """Return what an edit does to the certificates that hold for the project as it is.

    Parameters
    ----------
    before : the project as it is; None if the edit creates it
    promise : promise.json; None if the project has none
    """
    entries = {} if promise is None else promise.versions
    held = [
        version
        for version, entry in entries.items()
        if before is not None and _holds(entry, certificate_digest(before), now)
    ]
    if before is None or not held:
        why = ["no version is certified for the project as it is"]
        return EditEffect(certificate="none", why=why, labels_to_renew=0)
    changed = changed_members(before, after)
    if not changed:
        is_reworded = before.instructions != after.instructions
        why = ["the instructions are declared to say the same"] if is_reworded else []
        return EditEffect(certificate="kept", why=why, labels_to_renew=0)
    return EditEffect(
        certificate="ended",
        why=[
            f"ends certificate of {version}: {', '.join(changed)} changed"
            for version in sorted(held)
        ],
        labels_to_renew=after.promise.certification_labels,
    )


def _holds(entry: PromiseEntry, digest: str, now: datetime) -> bool:
    return (
        entry.state in _ANSWERING
        and entry.certificate is not None
        and entry.certificate.digest == digest
        and (entry.expires_at is None or now < entry.expires_at)
    )
