"""``surehand status``: the promise, the queue, the people, the versions and the next event."""

import time
from collections.abc import Callable
from typing import Annotated, Any

import typer
from rich.console import Group
from rich.live import Live
from rich.text import Text

from surehand import Surehand
from surehand.cli import session
from surehand.cli.failures import AWAY
from surehand.cli.output import table_of
from surehand.cli.text import count, duration, line_of, percent
from surehand.errors import Forbidden, ProblemError, Unavailable

_LIGHTS = {"certified": "green", "warn": "yellow", "suspended": "red", "expired": "red"}
_PROJECTS_SHOWN = 50


def status(
    ctx: typer.Context,
    project: Annotated[str | None, typer.Argument(help="One project in detail.")] = None,
    once: Annotated[bool, typer.Option("--once", help="Print once, also on a terminal.")] = False,
    every: Annotated[float, typer.Option(min=0.5, help="Seconds between two looks.")] = 2.0,
    as_json: session.AsJson = False,
) -> None:
    """Show each project: whether its promise holds, what waits for people, the next event."""
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
    """Return what is known of one project, or of all; `away` names what could not be asked."""
    if project is None:
        names = [str(one["project"]) for one in used.projects() if not one.get("archived_at")]
    else:
        names = [project]
        used.queue("GET", session.at(project))
    return [_look_at(used.client, name) for name in names[:_PROJECTS_SHOWN]]


def _look_at(client: Surehand, name: str) -> dict[str, Any]:
    away: dict[str, str] = {}

    def ask(service: str, tail: str) -> Any:
        if service in away:
            return None
        try:
            return client.call(service, "GET", session.at(name, tail))
        except Forbidden:
            raise
        except (Unavailable, ProblemError) as error:
            away[service] = line_of(error)
            return None

    return {"project": name, **_parts(ask), "away": away}


def _parts(ask: Callable[[str, str], Any]) -> dict[str, Any]:
    promise = ask("trainer", "/promise")
    versions = ask("trainer", "/versions?limit=1000")
    pool = ask("trainer", "/pool")
    queue = ask("review_queue", "/queue")
    people = ask("review_queue", "/reviewers")
    return {
        "promise": promise,
        "queue": queue,
        "reviewers": None if people is None else people["reviewers"],
        "versions": None if versions is None else versions["versions"],
        "pool": pool,
    }


def shown(report: list[dict[str, Any]]) -> Group | Text:
    """Return the report for a terminal."""
    if not report:
        return Text("There is no project yet: `surehand project create` makes one.")
    return Group(*(part for one in report for part in (*_project(one), Text())))


def _project(one: dict[str, Any]) -> list[Any]:
    promise = one["promise"] or {}
    colour = _LIGHTS.get(promise.get("state", ""), "yellow" if promise else "")
    sentence = promise.get("sentence", "The trainer cannot be asked about the promise.")
    rows = [
        ("queue", _queue(one["queue"])),
        ("people", _people(one["queue"], one["reviewers"])),
        ("versions", _versions(one["versions"])),
        ("pool", _pool(one["pool"])),
        ("next", (promise.get("next") or {}).get("text") or "-"),
    ]
    rows += [(f"{service} away", sentence) for service, sentence in one["away"].items()]
    title = Text.assemble(
        ("● ", colour), (line_of(one["project"]), "bold"), "  ", line_of(sentence, 1000)
    )
    return [title, table_of(["", ""], [(f"  {name}", line_of(said, 500)) for name, said in rows])]


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
