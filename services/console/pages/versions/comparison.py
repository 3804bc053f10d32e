"""Two versions side by side: metrics, the same labels, confusions, and what they disagree on."""

from collections.abc import Mapping, Sequence
from typing import Any

from fastapi import APIRouter, Response

from services.console.charts.confusion import confusion_chart
from services.console.pages.versions.view import METRICS, metric
from services.console.web.cards import card
from services.console.web.project_pages import get, load_project, project_page
from services.console.web.visit import Visited
from services.console.web.words import count, percent, plain

router = APIRouter(include_in_schema=False)
_VERSIONS = 100
_LONGEST_TEXT = 160


@router.get("/projects/{name}/versions/compare")
async def show(visit: Visited, name: str, first: str = "", second: str = "") -> Response:
    """Compare two versions; without names, the one that served before with the champion."""
    project = await load_project(visit, name)
    found = await card(get(visit, "trainer", name, "versions", limit=_VERSIONS))
    listed = found.listed("versions")
    first, second = _chosen(listed, first, second)
    compared = None
    if first and second:
        compared = await card(get(visit, "trainer", name, "compare", versions=f"{first},{second}"))
    return project_page(
        visit,
        project,
        "Versions",
        "versions/compare.html",
        names=[one["version"] for one in listed],
        first=first,
        second=second,
        compared=compared,
        **(_shown(project, compared.value) if compared else {}),
    )


def _chosen(versions: Sequence[Mapping[str, Any]], first: str, second: str) -> tuple[str, str]:
    """Return the versions that are asked for, or the two that are compared most often."""
    by_channel = {channel: one["version"] for one in versions for channel in one["channels"]}
    newest = [one["version"] for one in versions]
    champion = by_channel.get("champion", newest[0] if newest else "")
    second = second or (newest[0] if newest and newest[0] != champion else champion)
    others = [by_channel.get("previous", ""), champion, *newest]
    return first or next((one for one in others if one and one != second), ""), second


def _shown(project: Mapping[str, Any], found: Mapping[str, Any]) -> dict[str, Any]:
    """Return what the page shows of a comparison."""
    names, items = found["versions"], found["items"]
    charts = [
        confusion_chart(
            {"version": name, "labels": _labels(project, cells), "cells": cells, "items": items}
        )
        for name, cells in zip(names, found["confusion"], strict=True)
    ]
    return {
        "rows": [
            (words[0], words[1], [metric(key, one.get(key)) for one in found["metrics"]])
            for key, words in METRICS.items()
        ],
        "sentence": _sentence(found) if items else None,
        "charts": [chart for chart in charts if chart],
        "examples": [{**one, "text": _text(one["data"])} for one in found["examples"]],
    }


def _text(data: Mapping[str, Any]) -> str:
    """Return an item's data on one line, cut where it is long."""
    text = " · ".join(" ".join(plain(value).split()) for value in data.values())
    return text if len(text) <= _LONGEST_TEXT else text[: _LONGEST_TEXT - 1] + "…"


def _labels(project: Mapping[str, Any], cells: Sequence[Mapping[str, Any]]) -> list[str]:
    known = list(project.get("labels", []))
    used = {cell[key] for cell in cells for key in ("label", "predicted")}
    return [*known, *sorted(used - set(known))]


def _sentence(found: Mapping[str, Any]) -> str:
    """Say which of the two is right more often, and how sure that is."""
    first, second = found["versions"]
    more = "more" if found["difference"] >= 0 else "less"
    sure = "" if found["lower"] > 0 or found["upper"] < 0 else " The labels do not tell them apart."
    return (
        f"On {count(found['items'], 'label')} that neither had learned from, {second} is right"
        f" {percent(abs(found['difference']), 1)} {more} often than {first}"
        f" (95 % interval: {100 * found['lower']:+.1f} to {100 * found['upper']:+.1f} points)."
        f"{sure}"
    )
