"""The options of ``surehand import``."""

from pathlib import Path
from typing import Annotated

import typer

from surehand.cli.failures import UserError

File = Annotated[Path, typer.Argument(help="CSV, JSON lines or Parquet.")]
Fields = Annotated[list[str] | None, typer.Option(help="FIELD=COLUMN, where the names differ.")]
Metadata = Annotated[list[str] | None, typer.Option(help="KEY=COLUMN, likewise.")]
IdColumn = Annotated[str | None, typer.Option("--id", help="The column of ids.")]
LabelColumn = Annotated[str | None, typer.Option(help="The column of labels.")]
Unlabelled = Annotated[bool, typer.Option("--unlabelled", help="Take no column as labels.")]
Renamed = Annotated[
    list[str] | None, typer.Option(help="VALUE=LABEL: which label a value of the file means.")
]
Create = Annotated[
    bool, typer.Option("--create", help="Make the project, with the labels of the file.")
]
Ask = Annotated[
    int, typer.Option(min=0, max=100_000, help="Then ask reviewers about so many unlabelled rows.")
]
Lane = Annotated[str, typer.Option(help="The lane of labelled rows.")]
Format = Annotated[str | None, typer.Option("--format", help="csv, jsonl or parquet.")]
Delimiter = Annotated[str | None, typer.Option(help="Of a CSV; found by itself.")]
Rejected = Annotated[
    Path | None, typer.Option(help="Where rejected rows go; by default beside FILE.")
]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Show the preview only.")]


def pairs(given: list[str] | None, option: str) -> dict[str, str]:
    """Return NAME=VALUE options as a mapping.

    Raises
    ------
    UserError
        One has no ``=``.
    """
    found = {}
    for one in given or []:
        name, _, value = one.partition("=")
        if not name or not value:
            raise UserError(f"{option} {one}: write NAME=VALUE.")
        found[name] = value
    return found
