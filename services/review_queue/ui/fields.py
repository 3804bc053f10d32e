"""An item's fields as the page shows them (pure)."""

import base64
import hashlib
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import orjson

from shared.contracts.items import is_stored_url
from shared.contracts.projects import FieldSpec
from shared.contracts.tasks import LeasedTask

_NUMBERS_SHOWN = 8
_SNIFFED_CHARACTERS = 24  # of base64: 18 bytes
_MAGIC = (
    (re.compile(rb"\x89PNG\r\n\x1a\n"), "image/png"),
    (re.compile(rb"\xff\xd8\xff"), "image/jpeg"),
    (re.compile(rb"RIFF....WEBP", re.DOTALL), "image/webp"),
)


@dataclass(frozen=True)
class FieldView:
    """One field: `kind` picks the markup; `value` is what it shows, `whole` what it unfolds."""

    name: str
    kind: str
    value: str
    whole: str = ""


def content_digest(task: LeasedTask, labels: Sequence[str]) -> str:
    """SHA-256 (hex) of all that an answer to a task goes by: what is shown, and what is asked."""
    content = [list(labels), task.model_dump(mode="json")]
    return hashlib.sha256(orjson.dumps(content, option=orjson.OPT_SORT_KEYS)).hexdigest()


def views(
    data: dict[str, Any], fields: dict[str, FieldSpec], image_origins: frozenset[str]
) -> list[FieldView]:
    """Return the fields in the order of the project; what it no longer has comes last, as JSON.

    `image_origins` are those whose images the page may load; others are shown as links.
    """
    shown = [
        _view(name, data[name], field.type, image_origins)
        for name, field in fields.items()
        if name in data
    ]
    gone = [_json(name, value) for name, value in data.items() if name not in fields]
    return shown + gone


def _view(name: str, value: Any, kind: str, image_origins: frozenset[str]) -> FieldView:
    # A field may have had another type when the task came in: what does not fit is shown as JSON.
    if kind in {"text", "category"} and isinstance(value, str):
        return FieldView(name, kind, value)
    if kind == "number" and isinstance(value, int | float):
        return FieldView(name, kind, json.dumps(value))
    if kind == "vector" and isinstance(value, list):
        return _vector(name, value)
    if kind == "image" and isinstance(value, str):
        return _image(name, value, image_origins)
    return _json(name, value)


def _vector(name: str, numbers: list[Any]) -> FieldView:
    shown = ", ".join(map(json.dumps, numbers[:_NUMBERS_SHOWN]))
    if len(numbers) <= _NUMBERS_SHOWN:
        return FieldView(name, "vector", shown)
    value = f"{shown}, … ({len(numbers)} numbers)"
    return FieldView(name, "vector", value, ", ".join(map(json.dumps, numbers)))


def _image(name: str, value: str, image_origins: frozenset[str]) -> FieldView:
    if is_stored_url(value):
        return FieldView(name, "image" if _origin(value) in image_origins else "link", value)
    media_type = _media_type(value)
    if media_type is None:
        return FieldView(name, "broken", "This is not a PNG, JPEG or WebP image.")
    return FieldView(name, "image", f"data:{media_type};base64,{value}")


def _origin(url: str) -> str | None:
    try:
        parts = urlsplit(url)
    except ValueError:
        return None
    return f"{parts.scheme}://{parts.netloc}".lower()


def _media_type(encoded: str) -> str | None:
    try:
        start = base64.b64decode(encoded[:_SNIFFED_CHARACTERS])
    except ValueError:
        # The field held something else when the task came in.
        return None
    return next((kind for magic, kind in _MAGIC if magic.match(start)), None)


def _json(name: str, value: Any) -> FieldView:
    whole = json.dumps(value, indent=2, ensure_ascii=False)
    return FieldView(name, "json", _summary(value), whole)


def _summary(value: Any) -> str:
    if isinstance(value, dict):
        return f"object, {len(value)} members"
    if isinstance(value, list):
        return f"list, {len(value)} elements"
    return type(value).__name__ if value is not None else "null"
