"""An item's fields as pages show them (pure)."""

from collections.abc import Mapping, Sequence
from typing import Any

from shared.contracts.base import Message, from_stored
from shared.contracts.items import canonical_digest
from shared.fields.spec import Display, FieldSpec, as_json
from shared.fields.types import AnyField


class _Fields(Message):
    fields: dict[str, AnyField]


def field_specs(project: Mapping[str, Any]) -> Mapping[str, FieldSpec]:
    """Return the fields of a project's document; a type of a later release is read as JSON."""
    return from_stored(_Fields, {"fields": project["fields"]}).fields


def content_digest(task: Mapping[str, Any], labels: Sequence[str]) -> str:
    """SHA-256 (hex) of all that an answer to a task goes by: what is shown, and what is asked."""
    return canonical_digest([list(labels), task])


def displays(
    data: Mapping[str, Any], fields: Mapping[str, FieldSpec], image_origins: frozenset[str]
) -> list[tuple[str, Display]]:
    """Return the fields in the order of the project; those that it no longer has last, as JSON.

    `image_origins` are those whose images the page may load; others are shown as links.
    """
    shown = [
        (name, field.display(data[name], image_origins))
        for name, field in fields.items()
        if name in data
    ]
    return shown + [(name, as_json(value)) for name, value in data.items() if name not in fields]
