"""What commands print: text on a terminal, or JSON; notes and progress on standard error."""

import json
import sys
import time
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from rich.console import Console
from rich.progress import Progress
from rich.table import Table
from rich.text import Text

from surehand.cli.text import paragraph, plain
from surehand.models.base import Model
from surehand.models.jobs import Job
from surehand.models.training import Run

_LOOK_SECONDS = 0.5


def document_of(answer: Model) -> dict[str, Any]:
    """Return what a service answered, as JSON has it."""
    return answer.model_dump(mode="json", by_alias=True, exclude_unset=True)


def documents_of(answers: Iterable[Model]) -> list[dict[str, Any]]:
    """Return each of a list, as JSON has it."""
    return [document_of(one) for one in answers]


class Output:
    """Standard output and error of one command. Nothing that is printed is read as markup."""

    def __init__(self, *, is_json: bool = False) -> None:
        self.is_json = is_json
        # Made for each command: tests replace the streams.
        self.console = Console(highlight=False, markup=False, emoji=False, soft_wrap=True)
        self.notes = Console(
            stderr=True, highlight=False, markup=False, emoji=False, soft_wrap=True
        )

    @property
    def is_interactive(self) -> bool:
        """Whether a person sees what is printed, and can answer."""
        return not self.is_json and sys.stdin.isatty() and self.console.is_terminal

    def document(self, value: Any) -> None:
        """Print JSON, in ASCII: it cannot control a terminal."""
        sys.stdout.write(json.dumps(value, indent=2) + "\n")

    def say(self, *parts: object, style: str = "") -> None:
        """Print text on standard output."""
        self.console.print(Text(paragraph(" ".join(map(str, parts))), style=style))

    def note(self, *parts: object, style: str = "") -> None:
        """Print text on standard error, beside what programs read."""
        self.notes.print(Text(paragraph(" ".join(map(str, parts))), style=style))

    def table(self, columns: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
        """Print a table; cells that are `Text` keep their style."""
        self.console.print(table_of(columns, rows), soft_wrap=False)

    def wait(self, words: str, look: Callable[[], Job | Run]) -> dict[str, Any]:
        """Look until a job or run is over, with a bar on a terminal; return it as JSON has it."""
        is_quiet = self.is_json or not self.notes.is_terminal
        with Progress(console=self.notes, disable=is_quiet, transient=True) as bar:
            task = bar.add_task(words, total=1.0)
            while True:
                found = look()
                bar.update(task, completed=found.progress)
                if found.is_over:
                    return document_of(found)
                time.sleep(_LOOK_SECONDS)


def table_of(columns: Sequence[str], rows: Iterable[Sequence[object]]) -> Table:
    """Return a table whose cells are safe."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    for name in columns:
        table.add_column(Text(name), overflow="fold")
    for row in rows:
        table.add_row(*(cell if isinstance(cell, Text) else Text(plain(cell)) for cell in row))
    return table
