"""Figures as people read them (pure)."""

from datetime import UTC, datetime, timedelta
from typing import Any

from markupsafe import Markup, escape

# What stands where there is no figure.
NONE = "\N{EN DASH}"
_MINUTE, _HOUR, _DAY = 60, 3_600, 86_400
_SMALLEST_SHARE = 0.001


def percent(share: float | None, digits: int = 0) -> str:
    """Return a share in [0, 1] in percent; an en dash where there is none.

    A share that is not zero is never written as 0 %, and one below 1 never as 100 %.
    """
    if share is None:
        return NONE
    shown = f"{100 * share:.{digits}f}"
    if digits < 1 and (
        (shown == "0" and share >= _SMALLEST_SHARE) or (shown == "100" and share < 1)
    ):
        shown = f"{100 * share:.1f}"
    return f"{shown} %"


def between(low: float | None, high: float | None, digits: int = 0) -> str:
    """Return an interval of shares: ``81 % to 94 %``."""
    return f"{percent(low, digits)} to {percent(high, digits)}"


def significant(value: float | None) -> str:
    """Return a figure of any size with three digits that count.

    Examples
    --------
    >>> significant(123.6), significant(0.01234), significant(90.0)
    ('124', '0.0123', '90')
    """
    if value is None:
        return NONE
    return number(value) if abs(value) >= 100 else f"{value:.3g}"


def number(value: float | None, digits: int = 0) -> str:
    """Return a number with thousands set apart; an en dash where there is none."""
    if value is None:
        return NONE
    return f"{value:,.{digits}f}".replace(",", "\N{NARROW NO-BREAK SPACE}")


def count(value: int, one: str, many: str = "") -> str:
    """Return a count with its noun: ``3 labels``."""
    return f"{number(value)} {one if value == 1 else many or one + 's'}"


def duration(seconds: float | None) -> str:
    """Return a span of time in its largest sensible unit."""
    if seconds is None:
        return NONE
    if seconds < 1:
        return "under 1 s"
    for size, unit in ((_DAY, "days"), (_HOUR, "hours"), (_MINUTE, "min")):
        if seconds >= 2 * size:
            return f"{seconds / size:.0f} {unit}"
    return f"{seconds:.0f} s"


def lines_of(text: str) -> list[str]:
    """Return the lines that are not blank, each once."""
    return list(dict.fromkeys(line.strip() for line in text.splitlines() if line.strip()))


def moment(value: str | datetime | None) -> datetime | None:
    """Return an RFC 3339 time as a datetime in UTC; None for none."""
    if value is None or isinstance(value, datetime):
        return value
    return datetime.fromisoformat(value).astimezone(UTC)


def age(value: str | None, now: datetime) -> str:
    """Return how long ago something was, or in how long it will be."""
    at = moment(value)
    if at is None:
        return NONE
    if at > now + timedelta(seconds=1):
        return f"in {duration((at - now).total_seconds())}"
    seconds = (now - at).total_seconds()
    return "just now" if seconds < 1 else f"{duration(seconds)} ago"


def at(value: str | None) -> Markup:
    """Return a time as an element of which the page makes the reader's local time."""
    when = moment(value)
    if when is None:
        return escape(NONE)
    shown = f"{when:%Y-%m-%d %H:%M} UTC"
    return Markup('<time datetime="{}">{}</time>').format(when.isoformat(), shown)


def plain(value: Any) -> str:
    """Return a member of a document as text: numbers without noise, lists with commas."""
    if value is None:
        return NONE
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:.6g}"
    if isinstance(value, list):
        return ", ".join(plain(one) for one in value) or NONE
    if isinstance(value, dict):
        return ", ".join(f"{key}: {plain(one)}" for key, one in value.items()) or NONE
    return str(value)
