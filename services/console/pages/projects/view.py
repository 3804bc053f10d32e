"""A row of the list of projects (pure)."""

from dataclasses import dataclass
from typing import Any

from services.console.web.cards import Card
from services.console.web.promise_light import AWAY, UNKNOWN, Light, promise_light
from services.console.web.words import NONE, duration, number


@dataclass(frozen=True)
class ProjectRow:
    """What the list shows of a project; an en dash where nothing is known."""

    name: str
    title: str
    light: Light = UNKNOWN
    answered: float | None = None
    waiting: str = NONE
    oldest: str = NONE
    next: str = NONE


def project_row(project: dict[str, Any], summary: dict[str, Card] | None) -> ProjectRow:
    """Return the row of a project; `summary` is None while nothing is known."""
    name, title = project["project"], project["title"] or project["project"]
    if project.get("archived_at"):
        return ProjectRow(name, title, Light("none", "Archived"))
    if summary is None:
        return ProjectRow(name, title)
    light, answered, following = AWAY, None, NONE
    if promise := summary["promise"]:
        light, answered = promise_light(promise.value), promise.value["share_answered"]
        following = (promise.value["next"] or {}).get("text", NONE)
    waiting, oldest = NONE, NONE
    if queue := summary["queue"]:
        open_lanes = [lane for lane in queue.value["lanes"] if lane["open"]]
        waiting = number(queue.value["open"])
        oldest = duration(max((lane["oldest_seconds"] for lane in open_lanes), default=None))
    return ProjectRow(name, title, light, answered, waiting, oldest, following)
