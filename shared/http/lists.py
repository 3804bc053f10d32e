"""Lists: opaque, URL-safe cursors over integer positions or strings."""

import base64
import binascii
from typing import Annotated

from fastapi import Query

from shared.problems import Unprocessable

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
        raise Unprocessable([("/query/after", "is not a cursor of this list")]) from error


def decode_position(cursor: str | None) -> int:
    """Return the integer position in `cursor`, 0 for none; `Unprocessable` when it has none."""
    position = decode_cursor(cursor)
    if position is None:
        return 0
    if not position.isascii() or not position.isdigit() or len(position) > 18:
        raise Unprocessable([("/query/after", "is not a cursor of this list")])
    return int(position)
