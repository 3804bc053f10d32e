"""The base of every message, and the value types that messages are made of."""

import unicodedata
import uuid
from collections.abc import Iterable
from datetime import MAXYEAR, MINYEAR, UTC, datetime
from functools import lru_cache, partial
from typing import Annotated, Any, TypeVar, get_args

import orjson
from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainSerializer,
    ValidationError,
    ValidationInfo,
    ValidatorFunctionWrapHandler,
    WrapValidator,
    model_validator,
)
from pydantic.fields import FieldInfo
from pydantic.types import StringConstraints
from pydantic_core import ErrorDetails, InitErrorDetails, PydanticCustomError, PydanticKnownError
from pydantic_core.core_schema import ErrorType
from uuid_utils import uuid7

PROJECT_PATTERN = r"^[a-z][a-z0-9-]{0,62}$"
MAX_BATCH = 1000
# A refusal lists so many faults: a body of 8 MiB may have a million.
FAULTS_SHOWN = 100
# An import's answer shows so many of the rows that it rejected, and so much of what is wrong.
REJECTED_SHOWN = 1000
REJECTED_DETAIL_CHARACTERS = 1000
# A row of an import, in bytes or characters: as much as a call with one task could have.
LONGEST_ROW = 8 * 1024 * 1024

# No message has nearly as many fields.
_MOST_MEMBERS = 200

_UTC_OFFSET_LENGTH = len("+00:00")
# Of a moment with microseconds as JSON has it, without its quotation mark.
_WITH_MILLISECONDS = slice(1, len('"2026-11-24T06:00:00.000'))

# Fixed for ever: every service derives the same task id from the same item with it.
_TASK_NAMESPACE = uuid.UUID("5b1f9f0e-7c0d-5d55-9d6c-0f0a6a1b6c11")


def rfc3339(moment: datetime) -> str:
    """`moment` in UTC with milliseconds, e.g. ``2026-11-24T06:00:00.000Z``."""
    in_utc = moment if moment.tzinfo is UTC else moment.astimezone(UTC)
    if not in_utc.microsecond:
        # orjson leaves the fraction out.
        return in_utc.isoformat(timespec="milliseconds")[:-_UTC_OFFSET_LENGTH] + "Z"
    # A third of the time of `isoformat`: each decision says when it was made.
    return orjson.dumps(in_utc)[_WITH_MILLISECONDS].decode() + "Z"


def utc_now() -> datetime:
    """Return the present moment, aware, in UTC: the clock that is injected where time matters."""
    return datetime.now(UTC)


def is_unicode(text: str) -> bool:
    """Say whether `text` has no lone surrogate."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


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


def _few_members(value: Any, most: int = _MOST_MEMBERS) -> Any:
    # Before each of them is looked at: a fault takes 10 µs.
    if isinstance(value, dict) and len(value) > most:
        raise PydanticCustomError(
            "too_many_members", "must have at most {most} members", {"most": most}
        )
    return value


def at_most(members: int) -> tuple[FieldInfo, BeforeValidator]:
    """Return the bound of a mapping in a message, which is checked before its entries are."""
    return Field(max_length=members), BeforeValidator(partial(_few_members, most=members))


_KINDS = frozenset(get_args(ErrorType))


def _again(fault: ErrorDetails, place: tuple[int | str, ...]) -> InitErrorDetails:
    """Return a fault that was found as one of another place; it keeps its kind."""
    kind, context = fault["type"], fault.get("ctx", {})
    if kind in _KINDS:
        return {"type": kind, "loc": place, "input": None, "ctx": context}
    said = PydanticCustomError(kind, "{said}", {"said": fault["msg"]})
    return {"type": said, "loc": place, "input": None}


def _first_faults(batch: Any, validate: ValidatorFunctionWrapHandler) -> Any:
    """Validate a list whose validator stops at the first bad entry; go on to `FAULTS_SHOWN`."""
    try:
        return validate(batch)
    except ValidationError as error:
        if error.errors(include_url=False, include_input=False)[0]["loc"] == ():
            raise
    faults: list[InitErrorDetails] = []
    for i, entry in enumerate(batch):
        try:
            validate([entry])
        except ValidationError as error:
            found = error.errors(include_url=False, include_input=False)
            faults += [_again(fault, (i, *fault["loc"][1:])) for fault in found]
        if len(faults) >= FAULTS_SHOWN:
            break
    raise ValidationError.from_exception_data("batch", faults)


# For a list of entries of a body: no more faults are looked for than are listed.
FirstFaults = (
    Field(min_length=1, max_length=MAX_BATCH, fail_fast=True),
    WrapValidator(_first_faults),
)

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
Label = ItemId
Text = Annotated[str, AfterValidator(_without_nul)]
Metadata = Annotated[
    dict[
        Annotated[str, StringConstraints(max_length=100), AfterValidator(_without_nul)],
        Annotated[str, StringConstraints(max_length=1000), AfterValidator(_without_nul)],
    ],
    *at_most(_MOST_MEMBERS),
]
Data = dict[str, Any]
# A span that others may go on from or point at (W3C Trace Context). Where traces are off there is
# none, and messages are as if there were no such field.
TraceParent = Annotated[
    str, StringConstraints(pattern=r"^00-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}$")
]
Trace = Annotated[TraceParent | None, Field(exclude_if=lambda trace: trace is None)]
Probability = Annotated[float, Field(ge=0.0, le=1.0)]
Probabilities = Annotated[dict[Label, Probability], *at_most(1000)]


class Message(BaseModel):
    """A strict message: unknown fields, NaN and silent conversions are refused."""

    model_config = ConfigDict(
        extra="forbid", strict=True, frozen=True, allow_inf_nan=False, protected_namespaces=()
    )

    _few_members = model_validator(mode="before")(_few_members)


Read = TypeVar("Read", bound=BaseModel)
# The validation context of what another service, maybe of a later release, has written.
_STORED = {"is_stored": True}


def read_stored(kind: type[Read], body: bytes | str) -> Read:
    """Read a JSON document that a service of ours has written, maybe one of a later release.

    Members that this release does not know are ignored. Names that it does not know are kept where
    nothing is done by them, and do nothing; elsewhere they fail closed.

    Raises `ValidationError`: it is not a document of `kind`.
    """
    return kind.model_validate_json(body, extra="ignore", context=_STORED)


def from_stored(kind: type[Read], document: Any) -> Read:
    """Do what `read_stored` does with what JSON was parsed to."""
    return kind.model_validate(document, extra="ignore", context=_STORED)


def is_stored(info: ValidationInfo) -> bool:
    """Say whether a validator looks at a stored document, not at what a client has sent."""
    return info.context is _STORED


def one_of(names: Iterable[str]) -> str:
    """Return names as pydantic lists those of a `typing.Literal`: ``'a', 'b' or 'c'``."""
    return " or ".join(", ".join(map(repr, names)).rsplit(", ", 1))


def names_of(literal: Any) -> tuple[AfterValidator, FieldInfo]:
    """Return the annotations of a `str` that is a name of `literal`, a `typing.Literal`.

    In a stored document it may be one that a later release has added.
    """
    names = get_args(literal)
    expected = one_of(names)

    def known(name: str, info: ValidationInfo) -> str:
        if name not in names and not is_stored(info):
            raise PydanticKnownError("literal_error", {"expected": expected})
        return name

    return AfterValidator(known), Field(json_schema_extra={"enum": list(names)})


# An item's routing, hand-off and delivery each ask for it.
@lru_cache(maxsize=1024)
def task_id_for(project: str, item_id: str) -> str:
    """UUIDv5 of (project, item_id): any service can name a task before the queue has it."""
    return str(uuid.uuid5(_TASK_NAMESPACE, f"{project}/{item_id}"))


def new_id() -> str:
    """UUIDv7: time-ordered, so that it keeps indexes compact (RFC 9562)."""
    return str(uuid7())
