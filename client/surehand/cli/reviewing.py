"""``surehand review``: answer tasks in the terminal."""

import sys
from dataclasses import dataclass
from typing import Annotated, Any

import typer

from surehand import Surehand
from surehand._sync.reviewing import ReviewTask
from surehand.cli import session
from surehand.cli.connection import Connection
from surehand.cli.output import Output, document_of
from surehand.cli.text import count, item_text, line_of, paragraph, percent
from surehand.errors import Conflict

_ACTIONS = {"s": "skip", "u": "undo", "q": "quit"}
_MOST_DIGITS = 9
_LINK_HOURS = 12


def review(
    ctx: typer.Context,
    project: session.Project = None,
    name: Annotated[
        str | None, typer.Option("--as", help="Review as this person (operators only).")
    ] = None,
    wait: Annotated[
        float, typer.Option(min=0, max=60, help="Seconds to wait for a task before it ends.")
    ] = 5.0,
) -> None:
    """Answer tasks: a number or a label, s to skip, u to take back the last, q to quit."""
    used, out = session.of(ctx), session.output()
    at = used.project(project)
    spec = document_of(used.client.projects.get(at))
    client = used.client if name is None else _client_as(used, at, name)
    desk = Desk(out, spec)
    with client.review(at, wait_seconds=wait) as tasks:
        for task in tasks:
            if not desk.handle(task):
                break
        else:
            out.say("No task waits now.")
    out.say(f"{count(desk.answered, 'answer')}.")
    if client is not used.client:
        client.close()


def _client_as(used: session.Session, project: str, name: str) -> Surehand:
    """Return the client of a reviewer, whose token a link of the operator's gives."""
    link = used.client.links.create(project, name, hours=_LINK_HOURS)
    token = used.client.links.redeem(link.code).token
    known = used.connection
    given = Connection(known.url, known.router, known.review_queue, known.trainer, token=token)
    return given.client()


@dataclass
class Done:
    """What was done with a task, to be taken back."""

    task: ReviewTask
    label: str | None


class Desk:
    """Shows a task, reads a key, and does what it says."""

    def __init__(self, out: Output, spec: dict[str, Any]) -> None:
        self._out = out
        self._labels: list[str] = spec["labels"]
        display = spec.get("label_display") or {}
        self._names = {one: (display.get(one) or {}).get("name") or one for one in self._labels}
        own = {one: (display.get(one) or {}).get("key") for one in self._labels}
        self._keys: dict[str, str] = {key: one for one, key in own.items() if key}
        self._keys |= {str(number): one for number, one in enumerate(self._labels, 1)}
        self._single = len(self._labels) <= _MOST_DIGITS
        self._done: list[Done] = []
        if spec.get("instructions"):
            out.say(spec["instructions"])

    @property
    def answered(self) -> int:
        """How many answers stand."""
        return sum(one.label is not None for one in self._done)

    def handle(self, task: ReviewTask) -> bool:
        """Let the person act on a task; return whether to go on with the next."""
        self._show(task)
        task.shown()
        while True:
            typed = self._typed()
            if typed == "q":
                return False
            if typed == "u":
                if self._undo():
                    return True
                continue
            if typed == "s":
                task.skip("unclear")
                self._done.append(Done(task, None))
                self._out.say("Skipped.", style="dim")
                return True
            if (label := self._label(typed)) is not None:
                return self._answer(task, label)
            self._out.say("Type a number, the beginning of a label, s, u or q.", style="yellow")

    def _answer(self, task: ReviewTask, label: str) -> bool:
        try:
            task.answer(label)
        except Conflict as error:
            self._out.say(f"Not taken: {line_of(error.detail)}", style="yellow")
            return True
        self._done.append(Done(task, label))
        self._out.say(f"✓ {self._names[label]}", style="green")
        return True

    def _undo(self) -> bool:
        """Take back what was done last, be it an answer or a skip."""
        if not self._done:
            self._out.say("There is nothing to take back.", style="yellow")
            return False
        last = self._done.pop()
        try:
            last.task.undo()
        except Conflict as error:
            self._out.say(f"It cannot be taken back: {line_of(error.detail)}", style="yellow")
            return False
        what = "the skip" if last.label is None else f"“{self._names[last.label]}”"
        self._out.say(f"Took back {what} of: {line_of(item_text(last.task.data), 60)}", style="dim")
        return True

    def _label(self, typed: str) -> str | None:
        """Return the label that a key, a number or the beginning of a name means."""
        if (label := self._keys.get(typed)) is not None or not typed:
            return label
        wanted = typed.casefold()
        names = {one: {one.casefold(), self._names[one].casefold()} for one in self._labels}
        found = [one for one in self._labels if wanted in names[one]] or [
            one for one in self._labels if any(name.startswith(wanted) for name in names[one])
        ]
        return found[0] if len(found) == 1 else None

    def _show(self, task: ReviewTask) -> None:
        self._out.say("")
        self._out.say(item_text(task.data), style="bold")
        if task.suggestion is not None:
            sure = percent(task.suggestion.confidence)
            self._out.say(f"The model suggests {task.suggestion.label} ({sure}).", style="cyan")
        numbered = [f"{number} {self._names[one]}" for number, one in enumerate(self._labels, 1)]
        self._out.say("  ".join([*numbered, *(f"{key} {what}" for key, what in _ACTIONS.items())]))

    def _typed(self) -> str:
        """Return the key, or what was typed; `q` at the end of the input."""
        if self._single and sys.stdin.isatty():
            typed = typer.getchar()
            if typed == "\x03":
                raise KeyboardInterrupt
            return "q" if typed in {"\x04", ""} else paragraph(typed)
        line = sys.stdin.readline()
        return line.strip() if line else "q"
