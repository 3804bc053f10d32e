"""Text of people and programs, made safe for a terminal, and figures in words (pure)."""

import unicodedata
from datetime import UTC, datetime
from typing import Any

# Controls, formats (of these some turn the direction of text), lone surrogates, line separators.
_UNSAFE = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})
# Emoji and some scripts are made with these two.
_JOINERS = "\u200c\u200d"
_STEPS = ((86_400, "d"), (3_600, "h"), (60, "min"))


def plain(value: object, *, keep: str = "") -> str:
    r"""Return text whose unsafe characters are shown as escapes; those in `keep` stay.

    Examples
    --------
    >>> plain("\x1b[31mred")
    '\\x1b[31mred'
    """
    return "".join(
        one
        if one in keep or one in _JOINERS or unicodedata.category(one) not in _UNSAFE
        else one.encode("unicode_escape", "surrogatepass").decode("ascii")
        for one in str(value)
    )


def line_of(value: object, longest: int = 200) -> str:
    """Return text on one line: white space as single spaces, cut behind `longest` characters."""
    text = " ".join(str(value).split())
    return plain(text if len(text) <= longest else text[: longest - 1] + "…")


def paragraph(value: object) -> str:
    """Return text that may have several lines."""
    return plain(value, keep="\n\t")


def percent(share: float | None, digits: int = 0) -> str:
    """Return a share in words; a dash if there is none.

    Examples
    --------
    >>> percent(0.9876, 1)
    '98.8 %'
    """
    return "-" if share is None else f"{100 * share:.{digits}f} %"


def duration(seconds: float | None) -> str:
    """Return a time span in its largest unit.

    Examples
    --------
    >>> duration(7_300)
    '2.0 h'
    """
    if seconds is None:
        return "-"
    for size, unit in _STEPS:
        if seconds >= size:
            return f"{seconds / size:.1f} {unit}"
    return f"{seconds:.0f} s"


def moment(value: str | None) -> str:
    """Return a time of a service in this machine's zone, to the minute."""
    if not value:
        return "-"
    try:
        when = datetime.fromisoformat(value)
    except ValueError:
        return plain(value)
    return (when if when.tzinfo else when.replace(tzinfo=UTC)).astimezone().strftime("%F %H:%M")


def count(number: int, noun: str, plural: str | None = None) -> str:
    """Return a number with its noun.

    Examples
    --------
    >>> count(1, "row"), count(1200, "row")
    ('1 row', '1,200 rows')
    """
    return f"{number:,} {noun if number == 1 else plural or noun + 's'}"


def item_text(data: dict[str, Any]) -> str:
    """Return an item's data as lines, without names where it has one field."""
    if len(data) == 1:
        return paragraph(next(iter(data.values())))
    return "\n".join(f"{plain(name)}: {paragraph(value)}" for name, value in data.items())
