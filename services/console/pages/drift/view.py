"""What the page of drift shows (pure)."""

from typing import Any

from services.console.charts.drift import stream_chart
from services.console.charts.figure import Figure
from services.console.web.promise_light import Light

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
