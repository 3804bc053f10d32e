"""An item's fields as the page shows them (pure)."""

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any

import orjson

from shared.contracts.tasks import LeasedTask
from shared.fields.display import Display, as_json
from shared.fields.spec import FieldSpec


def content_digest(task: LeasedTask, labels: Sequence[str]) -> str:
    """SHA-256 (hex) of all that an answer to a task goes by: what is shown, and what is asked."""
    content = [list(labels), task.model_dump(mode="json")]
    return hashlib.sha256(orjson.dumps(content, option=orjson.OPT_SORT_KEYS)).hexdigest()


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
