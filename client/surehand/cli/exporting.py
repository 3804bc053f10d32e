"""``surehand export``: tasks with their answers, as a file."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from surehand.cli import session
from surehand.cli.failures import UserError

_FORMATS = ("jsonl", "csv", "parquet", "label-studio")
_BY_SUFFIX = {".jsonl": "jsonl", ".csv": "csv", ".parquet": "parquet", ".json": "label-studio"}


def export(
    ctx: typer.Context,
    project: session.Project = None,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="A file; else standard output.")
    ] = None,
    form: Annotated[str | None, typer.Option("--format", help=f"{', '.join(_FORMATS)}.")] = None,
    state: Annotated[str | None, typer.Option(help="open, leased or resolved.")] = None,
    lane: Annotated[str | None, typer.Option(help="Only tasks of this lane.")] = None,
    label: Annotated[str | None, typer.Option(help="Only tasks with this label.")] = None,
    reviewer: Annotated[str | None, typer.Option(help="Only tasks that they answered.")] = None,
) -> None:
    """Write tasks with their answers to a file, which `surehand import` takes."""
    used, out = session.of(ctx), session.output()
    kind = form or (_BY_SUFFIX.get(output.suffix.lower()) if output else None) or "jsonl"
    if kind not in _FORMATS:
        raise UserError(f"--format is one of {', '.join(_FORMATS)}.")
    name = used.project(project)
    filters = {"state": state, "lane": lane, "label": label, "reviewer": reviewer}
    if output is not None:
        size = used.client.export_file(name, output, format=kind, **filters)
        out.note(f"Wrote {output} ({size:,} bytes).")
        return
    with used.client.export(name, format=kind, **filters) as response:
        for part in response.iter_bytes():
            sys.stdout.buffer.write(part)
