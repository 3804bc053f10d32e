"""The digest by which items of the same content are recognised (pure)."""

import hashlib
from collections.abc import Mapping
from typing import Any

import orjson


def content_hash(data: Mapping[str, Any]) -> str:
    """SHA-256 (hex) of `data`; case and white space of texts do not count.

    Reviewers are asked once for such near-duplicates, and they train a model once.

    Examples
    --------
    >>> content_hash({"text": "Good  day"}) == content_hash({"text": "good day "})
    True
    """
    return hashlib.sha256(
        orjson.dumps(_normalised(data), option=orjson.OPT_SORT_KEYS | orjson.OPT_NON_STR_KEYS)
    ).hexdigest()


def _normalised(value: Any) -> Any:
    if isinstance(value, str):
        return " ".join(value.casefold().split())
    if isinstance(value, Mapping):
        return {key: _normalised(child) for key, child in value.items()}
    if isinstance(value, list):
        return [_normalised(child) for child in value]
    return value
