"""``surehand promise``, ``certify``, ``suspend`` and ``resume``."""

from typing import Annotated, Any

import typer

from surehand.cli import session
from surehand.cli.failures import LOOK
from surehand.cli.output import Output, document_of, documents_of
from surehand.cli.text import count, duration, moment, percent
from surehand.models.promises import Promise

_CHANGES_SHOWN = 10
_WhatIf = Annotated[
    float | None, typer.Option(help="Another target, such as 0.99: what would it mean?")
]
_Cause = Annotated[str, typer.Argument(help="Why, for the history.")]


def promise(
    ctx: typer.Context,
    project: session.Project = None,
    what_if: _WhatIf = None,
    check: Annotated[bool, typer.Option("--check", help="Status 1 unless it holds now.")] = False,
    as_json: session.AsJson = False,
) -> None:
    """Say whether the promise holds, why not, what comes next, and what happened to it."""
    used, out = session.of(ctx), session.output(as_json)
    name = used.project(project)
    now = document_of(used.client.promise.get(name))
    supposed = None
    if what_if is not None:
        supposed = document_of(used.client.promise.what_if(name, target_accuracy=what_if))
    changes = documents_of(used.client.promise.history(name))
    if as_json:
        out.document({"promise": now, "what_if": supposed, "changes": changes})
    else:
        _show(out, now)
        if supposed is not None:
            _show_what_if(out, supposed)
        rows = [_change(one) for one in changes[-_CHANGES_SHOWN:]]
        if rows:
            out.table(("since", "version", "state", "cause", "by"), rows)
    if check and not now["valid_now"]:
        raise typer.Exit(LOOK)


def _show(out: Output, now: dict[str, Any]) -> None:
    out.say(now["sentence"], style="green" if now["valid_now"] else "yellow")
    if certification := now.get("certification"):
        out.say(
            f"Certification of {certification['version']}: {certification['answered']} of "
            f"{certification['drawn']} items answered, {count(certification['needed'], 'label')} "
            "needed."
        )
    if event := now.get("next"):
        out.say(f"Next: {event['text']}")
    for offer in now.get("offers") or []:
        out.say(f"{offer['version']} may serve instead: {offer['act']} it.")


def _show_what_if(out: Output, supposed: dict[str, Any]) -> None:
    days = supposed.get("days_to_detect")
    rows = [
        ("share answered", percent(supposed["share_answered"])),
        ("errors in 1,000 answers", f"{supposed['errors_per_thousand']:.1f}"),
        ("reviews an hour", f"{supposed['reviews_per_hour']:.1f}"),
        ("labels, without an error", f"{supposed['labels_without_error']:,}"),
        ("until twice the error is found", duration(None if days is None else days * 86_400)),
    ]
    out.say(f"With a target of {percent(supposed['target_accuracy'], 1)}:")
    out.table(("", ""), [(f"  {name}", value) for name, value in rows])
    if supposed.get("note"):
        out.say(f"  {supposed['note']}")


def _change(one: dict[str, Any]) -> tuple[str, ...]:
    state = f"{one.get('from') or 'new'} → {one.get('to')}"
    cause = str(one.get("cause") or "").replace("_", " ")
    return (
        moment(one["at"]),
        str(one.get("version") or ""),
        state,
        cause,
        str(one.get("actor") or ""),
    )


def certify(
    ctx: typer.Context,
    version: Annotated[str | None, typer.Argument(help="The champion by default.")] = None,
    project: session.Project = None,
    as_json: session.AsJson = False,
) -> None:
    """Certify a version on labels of a fresh draw."""
    used, out = session.of(ctx), session.output(as_json)
    begun = document_of(used.client.promise.certify(used.project(project), version))
    if as_json:
        out.document(begun)
    else:
        out.say(f"The certification of {begun['version']} is {begun['state']}.")
        out.note("Reviewers get the items now: `surehand status` counts their labels.")


def suspend(
    ctx: typer.Context,
    cause: _Cause,
    project: session.Project = None,
    as_json: session.AsJson = False,
) -> None:
    """Stop automatic answers at once: people answer all."""
    used = session.of(ctx)
    _print(used.client.promise.suspend(used.project(project), cause), as_json)


def resume(
    ctx: typer.Context,
    project: session.Project = None,
    as_json: session.AsJson = False,
) -> None:
    """Let automatic answers go on after `suspend`."""
    used = session.of(ctx)
    _print(used.client.promise.resume(used.project(project)), as_json)


def _print(answer: Promise, as_json: bool) -> None:
    out, now = session.output(as_json), document_of(answer)
    if as_json:
        out.document(now)
    else:
        _show(out, now)
