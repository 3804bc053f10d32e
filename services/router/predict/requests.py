"""The body of a predict call, read from its bytes.

A well-formed call is checked here in a few microseconds. Any other goes through the contract's own
model, which accepts it or names the fault.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError

from shared.auth import Principal
from shared.contracts.base import MAX_BATCH, new_id
from shared.contracts.decisions import PredictRequest, ReviewMode
from shared.http.body import parse_json
from shared.problems import Unprocessable
from shared.problems.faults import faults_of

_LONGEST_ID = 200
_LONGEST_WAIT = 60
_MOST_METADATA = 200
_LONGEST_KEY = 100
_LONGEST_VALUE = 1000
_NONE: dict[str, str] = {}
_KEYS = frozenset({"items", "wait_seconds", "review"})
_ITEM_KEYS = frozenset({"item_id", "data", "metadata"})
_REVIEWS: dict[str, ReviewMode] = {"auto": "auto", "always": "always", "never": "never"}


@dataclass(slots=True)
class Asked:
    """One item of a call."""

    item_id: str
    data: Mapping[str, Any]
    metadata: Mapping[str, str]


@dataclass(slots=True)
class Incoming:
    """One call of predict; `caller` is held to its rate limit."""

    items: list[Asked]
    wait_seconds: float
    review: ReviewMode
    caller: Principal | None = None


def read(body: bytes, caller: Principal | None = None) -> Incoming:
    """Read the body of a predict call that `caller` has sent.

    Raises `NotJson`, `Unprocessable`: as the contract says, each fault at its pointer.
    """
    document = parse_json(body)
    if (incoming := parse_fast(document, caller)) is not None:
        return incoming
    try:
        return from_validated(PredictRequest.model_validate(document), caller)
    except ValidationError as error:
        raise Unprocessable(faults_of(error)) from error


def from_validated(request: PredictRequest, caller: Principal | None = None) -> Incoming:
    """Return a call that the contract's model has checked."""
    items = [Asked(item.item_id, item.data, item.metadata) for item in request.items]
    return Incoming(items, request.wait_seconds, request.review, caller)


def parse_fast(document: Any, caller: Principal | None = None) -> Incoming | None:
    """Return the call if it is certainly valid; None leaves that to the contract's model."""
    if type(document) is not dict or not document.keys() <= _KEYS:
        return None
    given, wait_seconds = document.get("items"), document.get("wait_seconds", 0)
    review = document.get("review", "auto")
    if type(given) is not list or not 0 < len(given) <= MAX_BATCH:
        return None
    if type(review) is not str or review not in _REVIEWS:
        return None
    if type(wait_seconds) not in (int, float) or not 0 <= wait_seconds <= _LONGEST_WAIT:
        return None
    items: list[Asked] = []
    for entry in given:
        item = _parse_item_fast(entry)
        if item is None:
            return None
        items.append(item)
    return Incoming(items, wait_seconds, _REVIEWS[review], caller)


def _parse_item_fast(entry: Any) -> Asked | None:
    if type(entry) is not dict or not entry.keys() <= _ITEM_KEYS:
        return None
    data = entry.get("data")
    metadata = entry.get("metadata", _NONE)
    item_id = entry.get("item_id")
    if type(data) is not dict or type(metadata) is not dict:
        return None
    if "item_id" not in entry:
        item_id = new_id()
    elif type(item_id) is not str or not 0 < len(item_id) <= _LONGEST_ID:
        return None
    elif not item_id.isprintable():
        # Not yet a fault: only control characters and surrogates are.
        return None
    if metadata and not _is_plain_metadata(metadata):
        return None
    return Asked(item_id, data, metadata)


def _is_plain_metadata(metadata: dict[str, Any]) -> bool:
    return len(metadata) <= _MOST_METADATA and all(
        type(value) is str
        and len(value) <= _LONGEST_VALUE
        and len(key) <= _LONGEST_KEY
        and "\0" not in key + value
        for key, value in metadata.items()
    )
