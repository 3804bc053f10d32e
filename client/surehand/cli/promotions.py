"""``surehand promotions`` and ``compare``: why versions serve, and two of them side by side."""

from itertools import islice
from typing import Annotated, Any

import typer

from surehand.cli import session
from surehand.cli.output import Output, document_of, documents_of
from surehand.cli.text import item_text, line_of, moment, percent

_SHOWN = 20
_EXAMPLES = 10
_STAGES = 10


def promotions(
    ctx: typer.Context,
    version: Annotated[str | None, typer.Argument(help="Such as v3; all without it.")] = None,
    project: session.Project = None,
    as_json: session.AsJson = False,
) -> None:
    """Say what the gate decided and why, and who let which version serve, newest first."""
    used, out = session.of(ctx), session.output(as_json)
    pages = used.client.versions.promotions(used.project(project), version=version)
    found = documents_of(islice(pages, _SHOWN))
    listed = used.client.versions.shadow_stages(used.project(project), version=version)
    stages = documents_of(islice(listed, _STAGES))
    if as_json:
        out.document({"events": found, "shadow_stages": stages})
        return
    rows = [
        (
            moment(one["at"]),
            one["version"],
            _what(one),
            one.get("champion") or "",
            one.get("actor") or "",
        )
        for one in found
    ]
    out.table(("at", "version", "what", "served", "by"), rows)
    for one in found:
        if one.get("decision"):
            _explain(out, one)
    for one in stages:
        if one["state"] == "running":
            out.say(_progress(one))


def _progress(stage: dict[str, Any]) -> str:
    """Say how far a comparison on live traffic is."""
    figures = stage["figures"]
    return (
        f"{stage['version']} runs in shadow beside {stage['champion']}: {figures['items']} live"
        f" items, they differ on {figures['differing']} (at most {stage['labels']}),"
        f" {figures['reviewed']} reviewed: right alone on {figures['gained']}, wrong alone on"
        f" {figures['lost']}. Evidence for it {figures['evidence_for']:.3g} of"
        f" {figures['needed_for']:.3g}, against it {figures['evidence_against']:.3g} of"
        f" {figures['needed_against']:.3g}."
    )


def _what(one: dict[str, Any]) -> str:
    decision = one.get("decision") or {}
    if one["kind"] == "judged":
        passed = "passed" if decision.get("promote") else "held back"
        return f"{passed} ({decision.get('step', '')})"
    share = f" {percent(decision['share'])}" if decision.get("share") else ""
    note = f": {line_of(one['note'])}" if one.get("note") else ""
    return f"{one['kind'].replace('_', ' ')}{share}{note}"


def _explain(out: Output, one: dict[str, Any]) -> None:
    for reason in one["decision"].get("reasons") or []:
        out.say(f"  {one['version']}: {line_of(reason)}")


def compare(
    ctx: typer.Context,
    first: Annotated[str, typer.Argument(help="Such as v1.")],
    second: Annotated[str, typer.Argument(help="Such as v2.")],
    project: session.Project = None,
    as_json: session.AsJson = False,
) -> None:
    """Compare two versions: metrics, accuracy on the same labels, and what they disagree on."""
    used, out = session.of(ctx), session.output(as_json)
    found = document_of(used.client.versions.compare(used.project(project), first, second))
    if as_json:
        out.document(found)
        return
    names = sorted({name for metrics in found["metrics"] for name in metrics})
    rows = [(name, *(_number(one.get(name)) for one in found["metrics"])) for name in names]
    out.table(("", first, second), rows)
    if found["items"]:
        _show_common(out, found, second)
    out.say(found.get("note") or "")


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.4f}"


def _show_common(out: Output, found: dict[str, Any], second: str) -> None:
    out.say(
        f"Of {found['items']} labels new to both: both right on {found['both_right']}, only "
        f"{found['versions'][0]} on {found['only_first_right']}, only {second} on "
        f"{found['only_second_right']}, neither on {found['both_wrong']}."
    )
    lower, upper = 100 * found["lower"], 100 * found["upper"]
    out.say(
        f"{second} is right {100 * found['difference']:+.1f} points more often "
        f"({lower:+.1f} to {upper:+.1f})."
    )
    rows = [
        (one["label"], one["first"], one["second"], one["items"]) for one in found["changes"][:10]
    ]
    if rows:
        out.table(("label", found["versions"][0], second, "items"), rows)
    for one in found["examples"][:_EXAMPLES]:
        out.say(f"  {one['label']}: {line_of(item_text(one['data']), 100)}")
