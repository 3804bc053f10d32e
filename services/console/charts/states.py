"""Since when each version was certified, suspended or neither."""

from datetime import datetime
from typing import Any

import altair as alt

from services.console.charts.figure import Figure, height_of, minute, specification, values

# In the order of the theme's colours: green, amber, blue, red, violet, grey.
_STATES = ("certified", "warn", "recertifying", "suspended", "expired", "uncertified")
_MOST_VERSIONS = 6
_COLUMNS = ("version", "state", "from (UTC)", "until (UTC)")
_WORDS = {"warn": "certified, in doubt", "recertifying": "certifying again"}


def states_chart(changes: list[dict[str, Any]], now: datetime) -> Figure | None:
    """Return the states of the newest versions over time, from the promise's history.

    `changes` are oldest first; None where no version has one.
    """
    of_version: dict[str, list[dict[str, Any]]] = {}
    for change in changes:
        if change["version"] is not None:
            of_version.setdefault(change["version"], []).append(change)
    versions = sorted(of_version, key=lambda name: of_version[name][0]["at"])[-_MOST_VERSIONS:]
    spans = [
        {
            "version": version,
            "state": _words(change["to"]),
            "from": change["at"],
            "until": after["at"] if after else now.isoformat(),
        }
        for version in versions
        for change, after in zip(of_version[version], [*of_version[version][1:], None], strict=True)
    ]
    if not spans:
        return None
    newest = versions[-1]
    last = of_version[newest][-1]
    summary = f"{newest} is {_words(last['to'])} since {minute(last['at'])} UTC."
    if len(versions) < len(of_version):
        summary += f" Drawn are the newest {_MOST_VERSIONS} of {len(of_version)} versions."
    rows = [
        (span["version"], span["state"], minute(span["from"]), minute(span["until"]))
        for span in reversed(spans)
    ]
    spec = specification(_bars(spans), height=height_of(len(versions)))
    return Figure("states", "States of the versions", summary, spec, _COLUMNS, rows)


def _bars(spans: list[dict[str, Any]]) -> Any:
    present = {span["state"] for span in spans}
    domain = [_words(state) for state in _STATES]
    shown = [words for words in domain if words in present]
    return (
        alt.Chart(values(spans))
        .mark_bar(height=14)
        .encode(
            y=alt.Y("version:N", sort=None, title=None),
            x=alt.X("from:T", title=None, axis=alt.Axis(tickCount=5, labelOverlap=True)),
            x2="until:T",
            color=alt.Color(
                "state:N",
                scale=alt.Scale(domain=domain),
                legend=alt.Legend(values=shown, columns=3),
            ),
        )
    )


def _words(state: str) -> str:
    return _WORDS.get(state, state)
