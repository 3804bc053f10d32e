"""``surehand score``, ``autolabel``, ``labels`` and ``jobs``: many items at once."""

import json
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from surehand.cli import session
from surehand.cli.failures import LOOK, UserError
from surehand.cli.joining import check_parquet, join
from surehand.cli.output import Output, document_of, documents_of
from surehand.cli.text import moment, percent

_NO_WAIT = Annotated[bool, typer.Option("--no-wait", help="Do not wait for its end.")]


def score(
    ctx: typer.Context,
    file: Annotated[
        Path, typer.Argument(exists=True, dir_okay=False, help="CSV, JSON Lines or Parquet.")
    ],
    project: session.Project = None,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="By default FILE with .scored in it.")
    ] = None,
    job: Annotated[str | None, typer.Option(help="Fetch this job of FILE, begun before.")] = None,
    as_json: session.AsJson = False,
) -> None:
    """Score each row of a file under the promise; Ctrl-C leaves the job running.

    The output has the rows of FILE, and what was decided of each in surehand_… columns.
    """
    used, out = session.of(ctx), session.output(as_json)
    name = used.project(project)
    target = output or file.with_name(f"{file.stem}.scored{file.suffix}")
    check_parquet(file)
    if job is None:
        try:
            job = used.client.jobs.score_file(name, file).job_id
        except ValueError as error:
            raise UserError(str(error)) from error
        out.note(f"Job {job} scores {file.name}.")
    ended = _wait(used, out, name, job)
    if ended["state"] in {"succeeded", "cancelled"}:
        with used.client.jobs.result(name, job) as response:
            join(file, target, (json.loads(line) for line in response.iter_lines() if line))
    _tell(out, ended, f"Wrote {target}.", as_json)


def autolabel(
    ctx: typer.Context,
    project: session.Project = None,
    ask: Annotated[
        bool, typer.Option("--ask/--no-ask", help="Give reviewers what is not certified.")
    ] = True,
    no_wait: _NO_WAIT = False,
    as_json: session.AsJson = False,
) -> None:
    """Label the rest of the pool: certified answers become labels, others tasks."""
    used, out = session.of(ctx), session.output(as_json)
    name = used.project(project)
    job = document_of(used.client.jobs.autolabel(name, ask=ask))
    if not no_wait:
        job = _wait(used, out, name, job["job_id"])
    _tell(out, job, "`surehand labels` exports all labels.", as_json)


def labels(
    ctx: typer.Context,
    project: session.Project = None,
    output: Annotated[
        Path | None,
        typer.Option(
            "--output", "-o", help="CSV, JSON Lines or Parquet; else JSON Lines on standard output."
        ),
    ] = None,
    source: Annotated[str, typer.Option(help="all, people or model.")] = "all",
) -> None:
    """Export all labels: of people, and of certified versions, with their certificates."""
    used, out = session.of(ctx), session.output()
    name = used.project(project)
    if output is not None:
        size = used.client.jobs.download_labels(name, output, source=source)
        out.note(f"Wrote {output} ({size:,} bytes).")
        return
    with used.client.jobs.labels(name, source=source) as response:
        for part in response.iter_bytes():
            sys.stdout.buffer.write(part)


def jobs(
    ctx: typer.Context,
    project: session.Project = None,
    cancel: Annotated[str | None, typer.Option(help="Cancel this job.")] = None,
    as_json: session.AsJson = False,
) -> None:
    """List the jobs of the last 30 days, or cancel one."""
    used, out = session.of(ctx), session.output(as_json)
    name = used.project(project)
    if cancel is not None:
        _tell(out, document_of(used.client.jobs.cancel(name, cancel)), "", as_json)
        return
    found = documents_of(used.client.jobs.list(name))
    if as_json:
        out.document({"jobs": found})
        return
    rows = [
        (
            one["job_id"],
            one["kind"],
            one["state"],
            percent(one["progress"]),
            f"{one['rows']:,}",
            f"{one['answered']:,}",
            moment(one["created_at"]),
            one.get("detail") or "",
        )
        for one in found
    ]
    columns = ("job", "kind", "state", "done", "rows", "answered", "begun", "detail")
    out.table(columns, rows)


def _wait(used: session.Session, out: Output, project: str, job_id: str) -> dict[str, Any]:
    return out.wait("Scoring", lambda: used.client.jobs.get(project, job_id))


def _tell(out: Output, job: dict[str, Any], after: str, as_json: bool) -> None:
    if as_json:
        out.document(job)
    else:
        counts = ", ".join(f"{job[name]:,} {name}" for name in ("answered", "declined", "rejected"))
        out.say(f"Job {job['job_id']}: {job['state']}; {counts}.", job.get("detail") or after)
        if job.get("caution"):
            out.note(job["caution"])
    if job["state"] == "failed":
        raise typer.Exit(LOOK)
