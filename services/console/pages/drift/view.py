"""What the page of drift shows (pure)."""

from collections.abc import Mapping
from typing import Any

from services.console.charts.drift import stream_chart
from services.console.charts.figure import Figure
from services.console.web.promise_light import Light
from services.console.web.words import number, percent

_LIGHTS = {
    "none": Light("none", "Not watched yet"),
    "learning": Light("none", "Learning what is usual"),
    "quiet": Light("good", "No drift"),
    "drift": Light("warn", "Drift"),
    "severe": Light("bad", "Severe drift"),
}
_CHARTS = 4


def light(level: str) -> Light:
    """Return the light of a level of drift."""
    return _LIGHTS.get(level, Light("none", level))


def charts(drift: dict[str, Any]) -> list[Figure]:
    """Return a chart of each stream that has a history, the one that changed most first."""
    streams = sorted(drift["streams"], key=lambda one: one["name"] != drift["changed"])
    found = [stream_chart(drift, stream) for stream in streams[:_CHARTS]]
    return [chart for chart in found if chart is not None]


def tiles(drift: Mapping[str, Any]) -> list[tuple[str, str, str]]:
    """Return (name, figure, explanation) of each figure at the top."""
    shown = [("items watched", number(drift["items"]), drift["version"] or "no version yet")]
    accuracy = drift["accuracy"]
    if accuracy and accuracy["recent"] is not None:
        before = percent(accuracy["before"], 1)
        shown.append(
            (
                "estimated accuracy",
                percent(accuracy["recent"], 1),
                f"{before} before; an estimate, no proof",
            )
        )
    return shown
