"""The base of every message, and the value types that messages are made of."""

import unicodedata
import uuid
from datetime import MAXYEAR, MINYEAR, UTC, datetime
from typing import Annotated, Any

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field, PlainSerializer
from pydantic.types import StringConstraints
from uuid_utils import uuid7

PROJECT_PATTERN = r"^[a-z][a-z0-9-]{0,62}$"
MAX_BATCH = 1000

_UTC_OFFSET_LENGTH = len("+00:00")

# Fixed for ever: every service derives the same task id from the same item with it.
_TASK_NAMESPACE = uuid.UUID("5b1f9f0e-7c0d-5d55-9d6c-0f0a6a1b6c11")


def rfc3339(moment: datetime) -> str:
    """`moment` in UTC with milliseconds, e.g. ``2026-11-24T06:00:00.000Z``."""
    in_utc = moment if moment.tzinfo is UTC else moment.astimezone(UTC)
    return in_utc.isoformat(timespec="milliseconds")[:-_UTC_OFFSET_LENGTH] + "Z"


def utc_now() -> datetime:
    """Return the present moment, aware, in UTC: the clock that is injected where time matters."""
    return datetime.now(UTC)


def _without_control_characters(text: str) -> str:
    # Nearly all text is printable, and has none of them.
    if text.isprintable():
        return text
    if any(unicodedata.category(character) in {"Cc", "Cs"} for character in text):
        raise ValueError("must not contain control characters")
    return text


def _without_nul(text: str) -> str:
    # PostgreSQL's text and jsonb cannot hold NUL, and no field of ours needs it.
    if "\x00" in text:
        raise ValueError("must not contain NUL")
    return text


def _in_every_zone(moment: datetime) -> datetime:
    # At the ends of the calendar a moment exists in some time zones only.
    try:
        year = moment.astimezone(UTC).year
    except OverflowError:
        year = MINYEAR
    if not MINYEAR < year < MAXYEAR:
        raise ValueError("must lie between the years 2 and 9998")
    return moment


def _is_none(value: object) -> bool:
    return value is None


UtcTime = Annotated[
    AwareDatetime,
    Field(strict=False),
    AfterValidator(_in_every_zone),
    PlainSerializer(rfc3339, when_used="json"),
]
ProjectName = Annotated[str, StringConstraints(pattern=PROJECT_PATTERN)]
ItemId = Annotated[
    str,
    StringConstraints(min_length=1, max_length=200),
    AfterValidator(_without_control_characters),
]
Label = Annotated[
    str,
    StringConstraints(min_length=1, max_length=200),
    AfterValidator(_without_control_characters),
]
Text = Annotated[str, AfterValidator(_without_nul)]
Metadata = dict[
    Annotated[str, StringConstraints(max_length=100), AfterValidator(_without_nul)],
    Annotated[str, StringConstraints(max_length=1000), AfterValidator(_without_nul)],
]
Data = dict[str, Any]
# A span that others may go on from or point at (W3C Trace Context). Where traces are off there is
# none, and messages are as if there were no such field.
TraceParent = Annotated[
    str, StringConstraints(pattern=r"^00-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}$")
]
Trace = Annotated[TraceParent | None, Field(exclude_if=_is_none)]
Probability = Annotated[float, Field(ge=0.0, le=1.0)]


class Message(BaseModel):
    """A strict message: unknown fields, NaN and silent conversions are refused."""

    model_config = ConfigDict(
        extra="forbid", strict=True, frozen=True, allow_inf_nan=False, protected_namespaces=()
    )


def task_id_for(project: str, item_id: str) -> str:
    """UUIDv5 of (project, item_id): any service can name a task before the queue has it."""
    return str(uuid.uuid5(_TASK_NAMESPACE, f"{project}/{item_id}"))


def new_id() -> str:
    """UUIDv7: time-ordered, so that it keeps indexes compact (RFC 9562)."""
    return str(uuid7())
