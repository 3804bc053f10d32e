"""Lists: opaque, URL-safe cursors over integer positions or strings."""

import base64
import binascii
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Annotated, TypeVar

from fastapi import Query

from shared.problems import Unprocessable

Entry = TypeVar("Entry")
Position = TypeVar("Position")

Limit = Annotated[int, Query(ge=1, le=1000, description="At most this many entries.")]
After = Annotated[str | None, Query(description="The cursor of the page before.", max_length=1000)]


def encode_cursor(position: str | int) -> str:
    """Return `position` as an opaque cursor."""
    return base64.urlsafe_b64encode(str(position).encode()).decode().rstrip("=")


def decode_cursor(cursor: str | None) -> str | None:
    """Return the position in `cursor`, None for none; `Unprocessable` when it is not a cursor."""
    if cursor is None or cursor == "":
        return None
    try:
        padded = cursor + "=" * (-len(cursor) % 4)
        return base64.b64decode(padded, altchars=b"-_", validate=True).decode()
    except (binascii.Error, ValueError) as error:
        raise not_a_cursor() from error


def parse_cursor(cursor: str | None, parse: Callable[[str], Position | None]) -> Position | None:
    """Return what `parse` makes of the position in `cursor`, None for no cursor.

    Raises `Unprocessable`: it is not a cursor, or `parse` returns None for its position.
    """
    text = decode_cursor(cursor)
    if text is None:
        return None
    position = parse(text)
    if position is None:
        raise not_a_cursor()
    return position


def decode_position(cursor: str | None) -> int:
    """Return the integer position in `cursor`, 0 for none; `Unprocessable` when it has none."""
    return parse_cursor(cursor, _integer) or 0


def _integer(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdigit() and len(text) <= 18 else None


def position_at(moment: datetime, key: str) -> str:
    """Return the position of an entry in a list by moments, and by keys within each."""
    return f"{moment.isoformat()} {key}"


def parse_place(
    cursor: str | None, parse_key: Callable[[str], str | None]
) -> tuple[datetime, str] | None:
    """Return what `position_at` was given for `cursor`; `parse_key` returns None for no key.

    Raises `Unprocessable`: the cursor is none of such a list.
    """

    def parse(position: str) -> tuple[datetime, str] | None:
        text, _, key_text = position.partition(" ")
        moment, key = _moment(text), parse_key(key_text)
        return None if moment is None or key is None else (moment, key)

    return parse_cursor(cursor, parse)


def _moment(text: str) -> datetime | None:
    try:
        moment = datetime.fromisoformat(text)
        # At the ends of the calendar a moment exists in some time zones only.
        return None if moment.tzinfo is None else moment.astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def not_a_cursor() -> Unprocessable:
    """Return the problem of a cursor that is not one of the list."""
    return Unprocessable([("/query/after", "is not a cursor of this list")])


def page_of(
    entries: Sequence[Entry], limit: int, position_of: Callable[[Entry], str | int]
) -> tuple[Sequence[Entry], str | None]:
    """Return the first `limit` entries and, where there are more, the cursor of the next page."""
    if len(entries) <= limit:
        return entries, None
    return entries[:limit], encode_cursor(position_of(entries[limit - 1]))
