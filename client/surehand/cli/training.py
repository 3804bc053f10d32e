"""``surehand train``, ``versions``, ``promote``, ``approve``, ``reject`` and ``rollback``."""

from collections.abc import Callable
from typing import Annotated, Any

import typer

from surehand.cli import session
from surehand.cli.failures import LOOK
from surehand.cli.output import Output, document_of, documents_of
from surehand.cli.text import line_of, moment, percent
from surehand.errors import Conflict
from surehand.models.training import Channels

_MODES = "initial, fine_tune or active; without it the trainer chooses."


def train(
    ctx: typer.Context,
    project: session.Project = None,
    mode: Annotated[str | None, typer.Option(help=_MODES)] = None,
    recipe: Annotated[str | None, typer.Option(help="Instead of the project's.")] = None,
    no_wait: Annotated[bool, typer.Option("--no-wait", help="Do not wait for its end.")] = False,
    as_json: session.AsJson = False,
) -> None:
    """Train a version on the labels so far, and wait for it; Ctrl-C leaves it running."""
    used, out = session.of(ctx), session.output(as_json)
    name = used.project(project)
    run = document_of(used.client.runs.start(name, mode=mode, recipe=recipe))
    if not no_wait:
        run = _wait(used, out, name, run["run_id"])
    if as_json:
        out.document(run)
    else:
        made = f", {run['version']}" if run.get("version") else ""
        out.say(f"Run {run['run_id']}: {run['state']}{made}.", run.get("detail") or "")
        if run.get("reason"):
            out.say(f"Why: {run['reason']}.")
        _say_report(out, run.get("report") or {})
    if run["state"] in {"failed", "cancelled"}:
        raise typer.Exit(LOOK)


def _say_report(out: Output, report: dict[str, Any]) -> None:
    """Print which recipes were compared, and what else the recipe tells."""
    rows = [
        (
            one["recipe"],
            one["state"],
            percent(one.get("coverage"), 1),
            percent(one.get("accuracy"), 1),
            f"{one['micros_per_item']:.0f}" if one.get("micros_per_item") else "-",
            one.get("detail") or "",
        )
        for one in report.get("candidates") or []
    ]
    if rows:
        out.table(("recipe", "state", "answered alone", "accuracy", "µs an item", "detail"), rows)
    for note in [*(report.get("reasons") or []), *(report.get("notes") or [])]:
        out.say(note)


def _wait(used: session.Session, out: Output, project: str, run_id: str) -> dict[str, Any]:
    return out.wait("Training", lambda: used.client.runs.get(project, run_id))


def versions(
    ctx: typer.Context, project: session.Project = None, as_json: session.AsJson = False
) -> None:
    """List the versions: roles, certificate, threshold."""
    used, out = session.of(ctx), session.output(as_json)
    name = used.project(project)
    found = documents_of(used.client.versions.list(name))
    if as_json:
        out.document({"versions": found})
        return
    rows = [
        (
            one["version"],
            "retired" if one.get("retired") else ", ".join(one.get("channels") or []),
            one["standing"],
            percent(one.get("threshold"), 1),
            moment(one.get("expires_at")),
            (one.get("manifest") or {}).get("recipe") or "",
        )
        for one in found
    ]
    out.table(("version", "roles", "certificate", "threshold", "until", "recipe"), rows)


def promote(
    ctx: typer.Context,
    version: Annotated[str, typer.Argument(help="Such as v3.")],
    project: session.Project = None,
    as_json: session.AsJson = False,
) -> None:
    """Let a version serve as champion."""
    used = session.of(ctx)
    name = used.project(project)
    _channels(lambda: used.client.versions.promote(name, version), as_json)


Note = Annotated[str | None, typer.Option(help="Why, for the history.")]


def approve(
    ctx: typer.Context,
    version: Annotated[str, typer.Argument(help="Such as v3.")],
    note: Note = None,
    project: session.Project = None,
    as_json: session.AsJson = False,
) -> None:
    """Let a version that passed the gate, and waits for it, serve."""
    used, out = session.of(ctx), session.output(as_json)
    found = document_of(used.client.versions.approve(used.project(project), version, note=note))
    if as_json:
        out.document(found)
    else:
        out.say(f"{version} is approved: {', '.join(found.get('channels') or [])}.")


def reject(
    ctx: typer.Context,
    version: Annotated[str, typer.Argument(help="Such as v3.")],
    note: Note = None,
    project: session.Project = None,
    as_json: session.AsJson = False,
) -> None:
    """Keep a version that waits for an approval from serving."""
    used, out = session.of(ctx), session.output(as_json)
    found = document_of(used.client.versions.reject(used.project(project), version, note=note))
    if as_json:
        out.document(found)
    else:
        out.say(f"{version} is rejected.")


def rollback(
    ctx: typer.Context,
    project: session.Project = None,
    yes: session.Yes = False,
    as_json: session.AsJson = False,
) -> None:
    """Let the previous champion serve again."""
    out = session.output(as_json)
    if out.is_interactive and not yes and not typer.confirm("Roll back?", err=True):
        raise typer.Exit(LOOK)
    used = session.of(ctx)
    name = used.project(project)
    _channels(lambda: used.client.versions.roll_back(name), as_json)


def _channels(call: Callable[[], Channels], as_json: bool) -> None:
    out = session.output(as_json)
    channels = document_of(_explained(out, call))
    if as_json:
        out.document(channels)
    else:
        before = channels.get("previous")
        out.say(f"{channels['champion']} serves now{f', before {before}' if before else ''}.")


def _explained(out: Output, call: Callable[[], Channels]) -> Channels:
    """Make a call; a refusal is followed by what can be done."""
    try:
        return call()
    except Conflict as error:
        for one in error.members.get("possible") or []:
            version = f" {one['version']}" if one.get("version") else ""
            out.note(line_of(f"Possible: {one.get('act')}{version} ({one.get('route')})"))
        raise
