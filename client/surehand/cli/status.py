"""``surehand status``: the promise, the queue, the people, the versions and the next event."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import islice
from typing import Annotated, Any, TypeVar

import typer
from rich.console import Group
from rich.live import Live
from rich.text import Text

from surehand import Surehand
from surehand.cli import session
from surehand.cli.failures import AWAY
from surehand.cli.output import document_of, documents_of, table_of
from surehand.cli.text import count, duration, line_of, percent
from surehand.errors import Forbidden, ProblemError, Unavailable

_LIGHTS = {"certified": "green", "warn": "yellow", "suspended": "red", "expired": "red"}
_PROJECTS_SHOWN = 50

Told = TypeVar("Told")


def status(
    ctx: typer.Context,
    project: Annotated[str | None, typer.Argument(help="One project in detail.")] = None,
    once: Annotated[bool, typer.Option("--once", help="Print once, also on a terminal.")] = False,
    every: Annotated[float, typer.Option(min=0.5, help="Seconds between two looks.")] = 2.0,
    as_json: session.AsJson = False,
) -> None:
    """Show each project: whether its promise holds, what waits for people, the next event.

    With a project also its people, versions and pool.
    """
    used, out = session.of(ctx), session.output(as_json)
    report = look(used, project)
    if as_json:
        out.document({"projects": report})
    elif once or not out.is_interactive:
        out.console.print(shown(report), soft_wrap=False)
    else:
        with Live(shown(report), console=out.console, auto_refresh=False) as live:
            while True:
                time.sleep(every)
                live.update(shown(look(used, project)), refresh=True)
    if any(part["away"] for part in report):
        raise typer.Exit(AWAY)


def look(used: session.Session, project: str | None) -> list[dict[str, Any]]:
    """Return what is known of one project, or of each; `away` names what could not be asked."""
    if project is not None:
        used.client.projects.get(project)
        return [_detail(used.client, project)]
    listed = used.client.projects.overview()
    rows = list(islice((one for one in listed if one.archived_at is None), _PROJECTS_SHOWN))
    asking = _Asking()
    names = [one.project for one in rows]
    promises = asking.of("trainer", lambda: used.client.promise.of(names)) if names else None
    known = {one.project: document_of(one) for one in promises or ()}
    return [
        {**document_of(one), "promise": known.get(one.project), "away": asking.away} for one in rows
    ]


def _detail(client: Surehand, name: str) -> dict[str, Any]:
    asking = _Asking()
    return {
        "project": name,
        "promise": asking.of("trainer", lambda: document_of(client.promise.get(name))),
        "versions": asking.of("trainer", lambda: documents_of(client.versions.list(name))),
        "pool": asking.of("trainer", lambda: document_of(client.pool.counts(name))),
        "queue": asking.of("review_queue", lambda: document_of(client.queue.get(name))),
        "reviewers": asking.of("review_queue", lambda: documents_of(client.reviewers.list(name))),
        "away": asking.away,
    }


@dataclass
class _Asking:
    """Asks services, and notes which ones did not answer, with their words."""

    away: dict[str, str] = field(default_factory=dict)

    def of(self, service: str, call: Callable[[], Told]) -> Told | None:
        """Return what a call returns; None if its service is away, which is found out once."""
        if service in self.away:
            return None
        try:
            return call()
        except Forbidden:
            raise
        except (Unavailable, ProblemError) as error:
            self.away[service] = line_of(error)
            return None


def shown(report: list[dict[str, Any]]) -> Group | Text:
    """Return the report for a terminal."""
    if not report:
        return Text("There is no project yet: `surehand project create` makes one.")
    return Group(*(part for one in report for part in (*_project(one), Text())))


def _project(one: dict[str, Any]) -> list[Any]:
    promise = one["promise"] or {}
    colour = _LIGHTS.get(promise.get("state", ""), "yellow" if promise else "")
    sentence = promise.get("sentence") or _sentence(promise)
    rows = [("queue", _waiting(one))] if "waiting" in one else _detailed(one)
    rows.append(("next", (promise.get("next") or {}).get("text") or "-"))
    rows += [(f"{service} away", sentence) for service, sentence in one["away"].items()]
    title = Text.assemble(
        ("● ", colour), (line_of(one["project"]), "bold"), "  ", line_of(sentence, 1000)
    )
    return [title, table_of(["", ""], [(f"  {name}", line_of(said, 500)) for name, said in rows])]


def _sentence(promise: dict[str, Any]) -> str:
    """Say a promise in short."""
    if not promise:
        return "The trainer cannot be asked about the promise."
    if not promise["valid_now"]:
        return f"People get all items: {promise.get('why_not') or promise['cause']}."
    share = promise.get("share_answered")
    answers = "" if share is None else f" {promise['version']} answers {percent(share)} of items."
    return f"The promise holds ({promise['state']}).{answers}"


def _waiting(one: dict[str, Any]) -> str:
    said = "nothing waits"
    if one["waiting"]:
        said = f"{_counted(one, 'waiting', 'item')} waiting, {one.get('leased', 0)} of them held"
    if oldest := one.get("oldest_at"):
        said += f", the oldest for {duration(_seconds_since(oldest))}"
    if one.get("adjudication"):
        said += f", {one['adjudication']} for an adjudicator"
    return f"{said}; {_counted(one, 'answers', 'answer')} today"


def _counted(one: dict[str, Any], name: str, noun: str) -> str:
    number = one.get(name, 0)
    return f"{'at least ' if number == one.get('counted_to') else ''}{count(number, noun)}"


def _seconds_since(moment: str) -> float:
    return max((datetime.now(UTC) - datetime.fromisoformat(moment)).total_seconds(), 0.0)


def _detailed(one: dict[str, Any]) -> list[tuple[str, str]]:
    return [
        ("queue", _queue(one["queue"])),
        ("people", _people(one["queue"], one["reviewers"])),
        ("versions", _versions(one["versions"])),
        ("pool", _pool(one["pool"])),
    ]


def _queue(queue: dict[str, Any] | None) -> str:
    if queue is None:
        return "?"
    waiting = queue["open"] + queue["leased"]
    if not waiting:
        return "nothing waits"
    oldest = max((lane["oldest_seconds"] for lane in queue["lanes"]), default=0.0)
    said = f"{count(waiting, 'item')} waiting, the oldest for {duration(oldest)}"
    if queue.get("expected_wait_seconds") is not None:
        said += f", a new one waits {duration(queue['expected_wait_seconds'])}"
    if queue.get("adjudication"):
        said += f", {queue['adjudication']} for an adjudicator"
    return said


def _people(queue: dict[str, Any] | None, reviewers: list[dict[str, Any]] | None) -> str:
    if reviewers is None or queue is None:
        return "?"
    said = f"{count(len(reviewers), 'reviewer')}, {queue['reviewers']} active this hour"
    warned = [str(one["reviewer"]) for one in reviewers if one.get("warnings")]
    return said + (f"; look at {', '.join(warned[:5])}" if warned else "")


def _versions(versions: list[dict[str, Any]] | None) -> str:
    if versions is None:
        return "?"
    roles = [f"{v['version']} {', '.join(v['channels'])}" for v in versions if v.get("channels")]
    return "; ".join(roles) or (f"{len(versions)} trained, none serves" if versions else "none yet")


def _pool(pool: dict[str, Any] | None) -> str:
    if pool is None:
        return "?"
    share = pool["labelled"] / pool["total"] if pool["total"] else None
    return (
        f"{count(pool['total'], 'item')}, {percent(share)} labelled"
        if share is not None
        else "empty"
    )
