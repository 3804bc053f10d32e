"""The report of the three stages: lines for people, a document for programs, a chart."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import altair as alt
import vl_convert

from services.demo.texts import RatedText
from surehand import Prediction


@dataclass
class Answers:
    """What the router did with a part of the traffic, in items."""

    sent: int = 0
    answered: int = 0
    wrong: int = 0

    def count(self, texts: Sequence[RatedText], predictions: Sequence[Prediction]) -> None:
        """Add the answers to `texts`."""
        self.sent += len(texts)
        for rated, one in zip(texts, predictions, strict=True):
            if one.decision == "answered":
                self.answered += 1
                self.wrong += one.label != rated.majority

    def words(self) -> str:
        """Return them as a sentence's part."""
        share = self.answered / self.sent if self.sent else 0
        wrong = self.wrong / self.answered if self.answered else 0
        return f"{self.answered} of {self.sent} answered ({share:.0%}), {wrong:.1%} of them wrong"


@dataclass
class Story:
    """What was measured; each member is filled by the stage that it is about."""

    learning: dict[str, Any] = field(default_factory=dict)
    first: dict[str, Any] = field(default_factory=dict)
    under_first: Answers = field(default_factory=Answers)
    changed: Answers = field(default_factory=Answers)
    drift: dict[str, Any] = field(default_factory=dict)
    slices: dict[str, Any] = field(default_factory=dict)
    plan: dict[str, Any] = field(default_factory=dict)
    second: dict[str, Any] = field(default_factory=dict)
    gate: dict[str, Any] = field(default_factory=dict)
    after: dict[str, Answers] = field(default_factory=dict)
    rest: dict[str, int] = field(default_factory=dict)
    history: list[dict[str, Any]] = field(default_factory=list)

    def lines(self) -> list[str]:
        """Return the report as lines of text."""
        points = self.learning["points"]
        lines = ["1. A first model", f"   {self.learning['labels']} posts were labelled:"]
        lines += [
            f"   {one['version']}: {one['accuracy']:.1%} right, "
            f"between {one['interval'][0]:.1%} and {one['interval'][1]:.1%}"
            for one in points
            if one["accuracy"] is not None
        ]
        lines.append(f"   {self.first['sentence']}")
        if not self.plan:
            return lines
        lines.append(f"   Posts: {self.under_first.words()}.")
        lines += ["2. Product and film reviews come", f"   {self.changed.words()}."]
        lines += [f"   {self.drift['sentence']}", f"   {self.slices['sentence']}"]
        lines += [
            f"   Plan, {part['name']}: {part['items']} items {part['reason']}."
            for part in self.plan["tranches"]
        ]
        lines += [f"   {reason}" for reason in self.gate.get("reasons", [])]
        lines += [f"   {self.second['sentence']}"]
        lines += [f"   {name.title()}: {one.words()}." for name, one in self.after.items()]
        lines += ["   The promise's history, without a command from an operator:"]
        for one in self.history:
            detail = f": {one['detail']}" if one["detail"] else ""
            lines.append(f"     {one['at'][11:19]} {one['version']} {one['to']}{detail}")
        if self.rest:
            lines += [
                "3. The rest of a pool",
                f"   Labelled by the model: {self.rest['labelled']} of {self.rest['items']},",
                f"   {self.rest['wrong']} of them wrong. The others went to people.",
            ]
        return lines

    def document(self) -> dict[str, Any]:
        """Return the report for programs."""
        return asdict(self)

    def chart(self) -> str:
        """Return a picture (SVG): what each version was right on, and what was answered when."""
        parts = {
            "posts, first model": self.under_first,
            "reviews, first model": self.changed,
            **{f"{name}, new model": one for name, one in self.after.items()},
        }
        whole = alt.hconcat(
            _curve(self.learning["points"]).properties(
                title="1. The pool labels itself", width=260, height=200
            ),
            _shares(parts).properties(
                title="2. Reviews come instead of posts", width=360, height=200
            ),
        )
        return str(vl_convert.vegalite_to_svg(whole.to_json()))


def _curve(points: Sequence[dict[str, Any]]) -> Any:
    rows = [
        {
            "labels": one["labels"],
            "accuracy": one["accuracy"],
            "low": one["interval"][0],
            "high": one["interval"][1],
        }
        for one in points
        if one["accuracy"] is not None
    ]
    base = alt.Chart(_data(rows)).encode(
        x=alt.X("labels:Q", title="labels", scale=alt.Scale(zero=False), axis=alt.Axis(tickCount=4))
    )
    low = alt.Y("low:Q", title="accuracy", scale=alt.Scale(zero=False))
    intervals = base.mark_rule().encode(y=low, y2="high:Q")
    return intervals + base.mark_point(filled=True).encode(y="accuracy:Q")


def _shares(parts: dict[str, Answers]) -> Any:
    names, colours = ["right", "wrong", "by people"], ["#1f6f5c", "#b3261e", "#b8bdc4"]
    rows = [
        {"part": part, "share": count / one.sent, "what": what, "order": names.index(what)}
        for part, one in parts.items()
        if one.sent
        for what, count in (
            ("right", one.answered - one.wrong),
            ("wrong", one.wrong),
            ("by people", one.sent - one.answered),
        )
    ]
    scale = alt.Scale(domain=names, range=colours)
    return (
        alt.Chart(_data(rows))
        .mark_bar()
        .encode(
            y=alt.Y("part:N", sort=None, title=None, axis=alt.Axis(labelLimit=220)),
            x=alt.X("share:Q", title="share of items", axis=alt.Axis(format="%", tickCount=5)),
            color=alt.Color("what:N", title="answered", sort=names, scale=scale),
            order="order:Q",
        )
    )


def _data(rows: list[dict[str, Any]]) -> Any:
    return alt.Data(values=rows)  # type: ignore[no-untyped-call]
