"""What the page of drift shows (pure)."""

from collections.abc import Mapping
from typing import Any

from services.console.charts.drift import stream_chart
from services.console.charts.figure import Figure
from services.console.web.promise_light import Light
from services.console.web.words import number, percent, significant

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


def stream_rows(drift: Mapping[str, Any]) -> list[tuple[str, ...]]:
    """Return (figure, before, now, moved by, stability index) of each stream."""
    return [
        (
            stream["words"],
            significant(stream["mean_before"]),
            significant(stream["mean_recent"]),
            number(stream["shift"], 2),
            number(stream["stability_index"], 2),
        )
        for stream in drift["streams"]
    ]


def label_rows(drift: Mapping[str, Any]) -> list[tuple[str, ...]]:
    """Return (label, suggested before, suggested now, estimated now, interval) of each label."""
    return [
        (
            share["label"],
            percent(share["before"], 1),
            percent(share["recent"], 1),
            percent(share["estimate"], 1),
            f"{percent(share['lower'], 1)} to {percent(share['upper'], 1)}",
        )
        for share in drift["labels"]
    ]


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


def slice_rows(slices: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return what is told of each failing slice."""
    return [
        {
            "words": one["words"],
            "rate": _rate(one),
            "rest": percent(one["rest_error_rate"], 1),
            "share": percent(one["share"], 1),
            "items": number(one["items"]),
            "examples": one["examples"],
        }
        for one in slices["slices"]
    ]


def group_rows(slices: Mapping[str, Any]) -> list[tuple[Any, ...]]:
    """Return (group, judged items, wrong, others, whether it fails more often) of each group."""
    return [
        (
            f"{one['key']}: {one['value']}",
            number(one["items"]),
            _rate(one),
            percent(one["rest_error_rate"], 1),
            one["is_worse"],
        )
        for one in slices["groups"]
    ]


def _rate(one: Mapping[str, Any]) -> str:
    lower, upper = one["interval"]
    return f"{percent(one['error_rate'], 1)} ({percent(lower, 1)} to {percent(upper, 1)})"
