"""One import: its preview, its progress, its report."""

import contextlib
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import typer
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn

from surehand.cli import session
from surehand.cli.failures import INTERRUPTED, LOOK, UserError
from surehand.cli.importing.exported import send_export
from surehand.cli.importing.mapping import Columns, Labels, is_empty, item_of
from surehand.cli.importing.rejected import RejectedFile
from surehand.cli.importing.rows import Row
from surehand.cli.importing.sending import Sender
from surehand.cli.importing.source import Source
from surehand.cli.output import Output
from surehand.cli.text import count, item_text, line_of

_PREVIEWED = 3


class Job:
    """Sends the rows of one file to one project."""

    def __init__(
        self,
        used: session.Session,
        out: Output,
        spec: dict[str, Any],
        lane: str,
        rejected: RejectedFile,
    ) -> None:
        self._out = out
        self.project = str(spec["project"])
        self._spec = spec
        self._rejected = rejected
        self._client = used.client
        self._sender = Sender(used.client, self.project, lane, rejected.add)

    def run(self, source: Source, columns: Columns | None, labels: Labels) -> None:
        """Send all rows; Ctrl-C stops between two calls, and says what was sent."""
        with self._rejected, self._progress(source.path) as advance:
            try:
                at = 0
                for row in source.rows():
                    self._take(row, columns, labels)
                    advance(row.at - at)
                    at = row.at
                self._sender.finish()
            except KeyboardInterrupt:
                self._out.note(
                    f"Stopped after {count(self._sender.tally.rows, 'row')}. "
                    "Importing the file again goes on: rows that are there stay as they are."
                )
                raise typer.Exit(INTERRUPTED) from None

    def _take(self, row: Row, columns: Columns | None, labels: Labels) -> None:
        if row.fault is not None:
            self._sender.refuse(row, row.fault)
            return
        if columns is None:
            self._sender.add(row, row.values)
            return
        record = item_of(row.values, columns, self._spec["fields"])
        value = None if columns.label is None else row.values.get(columns.label)
        if not is_empty(value):
            record["label"] = labels.of(value)
            if record["label"] is None:
                self._sender.refuse(row, f"{line_of(value, 80)!r} is no label of the project")
                return
        self._sender.add(row, record)

    def run_export(self, source: Source) -> None:
        """Send a file that Surehand exported."""
        with self._progress(source.path) as advance:
            report = send_export(self._client, self.project, source.path, source.form, advance)
        tally = self._sender.tally
        tally.labelled, tally.existing = report.created, report.existing
        with self._rejected:
            for one in report.rejected:
                self._sender.refuse(Row(one.line, 0), one.detail)
        tally.rejected = report.rejected_count

    @contextlib.contextmanager
    def _progress(self, path: Path) -> Iterator[Callable[[int], None]]:
        columns = (
            TextColumn("{task.description}"),
            BarColumn(),
            DownloadColumn(),
            TimeRemainingColumn(),
        )
        quiet = self._out.is_json or not self._out.notes.is_terminal
        with Progress(*columns, console=self._out.notes, disable=quiet, transient=True) as bar:
            task = bar.add_task("Importing", total=path.stat().st_size)
            yield lambda size: bar.advance(task, size)

    def preview_export(self) -> None:
        """Say what the file is."""
        self._out.note(f"To {self.project}: a file that Surehand exported, with its answers.")

    def preview(self, sample: Sequence[Row], columns: Columns | None, labels: Labels) -> None:
        """Show which column is what, and the first rows as they would be imported."""
        if columns is None:
            self._out.note(f"To {self.project}: items with `data`, as they are.")
            return
        names = {**columns.fields, **columns.metadata}
        said = [f"{name} from {column}" for name, column in names.items()]
        said.append(f"ids from {columns.item_id}" if columns.item_id else "ids made of the content")
        said.append(f"labels from {columns.label}" if columns.label else "no labels")
        self._out.note(f"To {self.project}: {line_of(', '.join(said), 500)}.")
        for row in [one for one in sample if not one.fault][:_PREVIEWED]:
            item = item_of(row.values, columns, self._spec["fields"])
            shown = f"  {line_of(item['item_id'], 30)}  {line_of(item_text(item['data']), 80)}"
            value = row.values.get(columns.label) if columns.label else None
            if not is_empty(value):
                shown += f"  → {line_of(labels.of(value) or f'no label: {value}', 60)}"
            self._out.note(shown)

    def confirm(self) -> None:
        """Ask whether the preview is right."""
        if not typer.confirm("Is this right?", default=True, err=True):
            raise UserError(
                "Nothing was imported. --field, --label and --id name the columns.", LOOK
            )

    def report(self, *, dry_run: bool) -> None:
        """Say what became of the rows; status 1 if any was rejected."""
        if dry_run:
            self._out.note("Nothing was imported.")
            return
        tally, bad = self._sender.tally, self._rejected
        where = str(bad.path) if bad.count else None
        if self._out.is_json:
            self._out.document({"project": self.project, **tally.document, "rejected_file": where})
        else:
            new = f"{tally.labelled:,} labelled and {count(tally.unlabelled, 'unlabelled row')}"
            old = f"{tally.existing:,} were there, {tally.rejected:,} rejected"
            self._out.say(f"Imported {new} to {self.project}; {old}.")
        if bad.count:
            self._out.note(f"The rejected rows are in {where}, each with its reason.")
        if tally.rejected:
            raise typer.Exit(LOOK)
