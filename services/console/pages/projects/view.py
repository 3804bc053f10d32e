"""A row of the list of projects (pure)."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from services.console.charts.sparkline import sparkline
from services.console.web.cards import Card
from services.console.web.promise_light import AWAY, UNKNOWN, Light, promise_light
from services.console.web.words import NONE, duration, moment, number


def project_row(
    project: dict[str, Any],
    promise: Card | None,
    now: datetime,
    days: Sequence[dict[str, Any]] = (),
) -> dict[str, Any]:
    """Return the row of a project; `promise` is None while nothing is known of it."""
    light, answered, following = UNKNOWN, None, NONE
    if project.get("archived_at"):
        light = Light("none", "Archived")
    elif promise:
        light, answered = promise_light(promise.value), promise.value["share_answered"]
        following = (promise.value["next"] or {}).get("text", NONE)
    elif promise is not None:
        light = AWAY
    oldest = moment(project.get("oldest_at"))
    return project | {
        "light": light,
        "answered": answered,
        "trend": sparkline(days, now.date()),
        "waiting": _counted(project, "waiting"),
        "oldest": duration(None if oldest is None else (now - oldest).total_seconds()),
        "given": _counted(project, "answers"),
        "next": following,
    }


def _counted(project: dict[str, Any], name: str) -> str:
    value = project.get(name)
    return number(value) + ("+" if value is not None and value == project["counted_to"] else "")
