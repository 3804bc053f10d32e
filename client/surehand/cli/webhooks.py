"""``surehand webhooks``: how a project's webhooks fare, what was sent, and sending it again."""

from typing import Annotated, Any

import typer

from surehand.cli import session
from surehand.cli.failures import LOOK, UserError
from surehand.cli.output import Output, document_of, documents_of
from surehand.cli.text import count, line_of, moment

_STATES = ("waiting", "delivered", "failed")
_MOST = 1_000


def webhooks(
    ctx: typer.Context,
    project: Annotated[
        str | None,
        typer.Argument(help="Defaults to the only project, if there is exactly one."),
    ] = None,
    state: Annotated[
        str | None, typer.Option(help="Only events that are waiting, delivered or failed.")
    ] = None,
    limit: Annotated[int, typer.Option(min=1, max=_MOST, help="How many events to show.")] = 20,
    retry: Annotated[
        list[str] | None, typer.Option(help="Send this event again: an id of the list.")
    ] = None,
    retry_failed: Annotated[
        bool, typer.Option("--retry-failed", help="Send all that were given up again.")
    ] = False,
    as_json: session.AsJson = False,
) -> None:
    """Show a project's webhooks and what was sent to them; status 1 if one is disabled."""
    if state is not None and state not in _STATES:
        raise UserError(f"--state is {', '.join(_STATES[:-1])} or {_STATES[-1]}.")
    used, out = session.of(ctx), session.output(as_json)
    name, hooks = used.project(project), used.client.webhooks
    if retry or retry_failed:
        _retry(used, out, name, retry or [], failed=retry_failed)
        return
    found = documents_of(hooks.list(name))
    sent = documents_of(hooks.deliveries(name, state=state).page(limit=limit).items)
    if as_json:
        out.document({"webhooks": found, "deliveries": sent})
    elif not found:
        out.say("The project has no webhooks: `surehand project edit` adds them.")
    else:
        _show(out, found, sent)
    if any(one["state"] == "disabled" for one in found):
        raise typer.Exit(LOOK)


def _retry(used: session.Session, out: Output, name: str, ids: list[str], *, failed: bool) -> None:
    hooks = used.client.webhooks
    if failed:
        # All are read before the first is sent again: then it is failed no more.
        ids = [*ids, *(row.delivery_id for row in hooks.deliveries(name, state="failed"))]
    retried = [document_of(hooks.retry(name, one)) for one in dict.fromkeys(ids)]
    if out.is_json:
        out.document({"retried": retried})
    else:
        out.say(f"{count(len(retried), 'event')} will be sent again.")


def _show(out: Output, found: list[dict[str, Any]], sent: list[dict[str, Any]]) -> None:
    columns = ("webhook", "state", "waiting", "delivered", "failed", "last error")
    rows = [
        (one["url"], one["state"], one["pending"], one["delivered"], one["failed"], _last(one))
        for one in found
    ]
    out.table(columns, rows)
    if not sent:
        out.say("No event.")
        return
    out.say("")
    out.table(
        ("last attempt", "event", "about", "state", "attempts", "next attempt", "id"),
        [
            (
                moment(one["last_attempt_at"]),
                one["event"],
                line_of(one["subject"] or "-", 40),
                line_of(_state(one), 60),
                one["attempts"],
                moment(one["next_attempt_at"]),
                one["delivery_id"],
            )
            for one in sent
        ],
    )


def _last(webhook: dict[str, Any]) -> str:
    error = webhook["last_error"]
    return f"{line_of(error, 60)} ({moment(webhook['last_error_at'])})" if error else "-"


def _state(delivery: dict[str, Any]) -> str:
    error = delivery["error"]
    return f"{delivery['state']}: {error}" if error else str(delivery["state"])
