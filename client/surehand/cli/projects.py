"""``surehand project``: create, edit, show and list."""

import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from surehand.cli import session
from surehand.cli.documents import (
    READ_ONLY,
    difference,
    editable,
    from_yaml,
    merge_patch,
    to_yaml,
)
from surehand.cli.editing import Draft, opened
from surehand.cli.failures import LOOK, REFUSED, UserError
from surehand.cli.output import Output, document_of, documents_of
from surehand.cli.text import count, line_of
from surehand.errors import Conflict, InvalidRequest, NotFound

_TEMPLATE = """\
# A project: what is decided, about what, and how right answers must be.
# Save and close to create it; leave it unchanged to stop.
project: {name}
title: ""
labels: [first-label, second-label]
fields:
  text: {{type: text}}
instructions: |
  What reviewers need to know.
promise:
  target_accuracy: 0.95
  confidence: 0.95
  certification_labels: 500
training:
  min_new_labels: 200
"""
_NAME = "the project's name: small letters, digits and hyphens"

app = typer.Typer(no_args_is_help=True, help="Create, edit, show and list projects.")


@app.command("list")
def list_projects(ctx: typer.Context, as_json: session.AsJson = False) -> None:
    """List the projects."""
    used, out = session.of(ctx), session.output(as_json)
    projects = documents_of(used.client.projects.list())
    if as_json:
        out.document({"projects": projects})
        return
    rows = [
        (p["project"], p["title"], count(len(p["labels"]), "label"), p["revision"], _archived(p))
        for p in projects
    ]
    out.table(("project", "title", "labels", "revision", ""), rows)


def _archived(project: dict[str, Any]) -> str:
    return "archived" if project.get("archived_at") else ""


@app.command()
def show(
    ctx: typer.Context,
    project: Annotated[str | None, typer.Argument(help="The project.")] = None,
    as_json: session.AsJson = False,
) -> None:
    """Print a project as YAML, as `project create` and `project edit` take it."""
    used, out = session.of(ctx), session.output(as_json)
    document = document_of(used.client.projects.get(used.project(project)))
    if as_json:
        out.document(document)
    else:
        sys.stdout.write(to_yaml(editable(document)))


@app.command()
def create(
    ctx: typer.Context,
    project: Annotated[str | None, typer.Argument(help=f"{_NAME}.".capitalize())] = None,
    file: Annotated[
        Path | None, typer.Option("--file", "-f", help="YAML or JSON; - reads standard input.")
    ] = None,
    as_json: session.AsJson = False,
) -> None:
    """Create a project from a YAML file, or in your editor."""
    used, out = session.of(ctx), session.output(as_json)
    if file is None and not out.is_interactive:
        raise UserError("Name a file: surehand project create --file project.yaml.")
    text = opened(_TEMPLATE.format(name=project or "name")) if file is None else read(file)
    if file is None and text == _TEMPLATE.format(name=project or "name"):
        raise UserError("Nothing was changed, so nothing was created.", LOOK)
    try:
        document = from_yaml(text, str(file or "The text"))
        made = _created(used, project, document)
    except (UserError, InvalidRequest):
        if file is None:
            out.note(f"Your text is kept: {Draft.keep(text)}")
        raise
    if as_json:
        out.document(made)
        return
    out.say(f"Created {made['project']}.")
    out.note(f"Next: surehand import FILE --project {made['project']}")


def _created(
    used: session.Session, project: str | None, document: dict[str, Any]
) -> dict[str, Any]:
    named = document.pop("project", None)
    name = project or named
    if not isinstance(name, str):
        raise UserError(f"Name the project: surehand project create NAME ({_NAME}).")
    body = {key: value for key, value in document.items() if key not in READ_ONLY}
    try:
        used.client.projects.get(name)
    except NotFound:
        return document_of(used.client.projects.put(name, body))
    raise UserError(f"{name} exists: `surehand project edit {name}` changes it.", REFUSED)


def read(file: Path) -> str:
    """Return the text of a file; `-` is standard input."""
    try:
        body = sys.stdin.buffer.read() if str(file) == "-" else file.read_bytes()
        return body.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise UserError(f"{file} is not UTF-8.") from error


@app.command()
def edit(
    ctx: typer.Context,
    project: Annotated[str | None, typer.Argument(help="The project.")] = None,
    file: Annotated[
        Path | None,
        typer.Option(
            "--file", "-f", help="Only the members to change, as YAML; - is standard input."
        ),
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show the effect only.")] = False,
    wording_only: Annotated[
        bool, typer.Option(help="The instructions only say the same in other words.")
    ] = False,
    allow_label_removal: Annotated[
        bool, typer.Option(help="Also remove labels that tasks have.")
    ] = False,
    yes: session.Yes = False,
    as_json: session.AsJson = False,
) -> None:
    """Edit a project in your editor; see what it does to the certificate before it is saved."""
    used, out = session.of(ctx), session.output(as_json)
    name = used.project(project)
    before = document_of(used.client.projects.get(name))
    edit = Edit(used, out, name, before, wording_only, allow_label_removal)
    if file is not None:
        edit.apply(from_yaml(read(file), str(file)), yes=yes, dry_run=dry_run)
    elif not out.is_interactive:
        raise UserError(f"Name a file with the changes: surehand project edit {name} --file F.")
    else:
        edit.in_editor(yes=yes, dry_run=dry_run)


class Edit:
    """One edit of a project, against the revision that was read."""

    def __init__(
        self,
        used: session.Session,
        out: Output,
        name: str,
        before: dict[str, Any],
        wording_only: bool,
        allow_label_removal: bool,
    ) -> None:
        self._used = used
        self._out = out
        self._name = name
        self._before = before
        self._more = {"wording_only": True} if wording_only else {}
        self._removal = allow_label_removal

    def in_editor(self, *, yes: bool, dry_run: bool) -> None:
        """Let the person edit all of it, again after a mistake; a text that fails is kept."""
        base = editable(self._before)
        head = f"# {self._name}, revision {self._before['revision']}."
        text = f"{head} A member that is deleted gets its default.\n{to_yaml(base)}"
        while True:
            text = opened(text)
            try:
                changes = merge_patch(base, from_yaml(text, "The text"))
                self.apply(changes, yes=yes, dry_run=dry_run)
            except Conflict:
                self._out.note(f"Your text is kept: {Draft.keep(text)}")
                raise
            except (UserError, InvalidRequest) as error:
                self._out.note(line_of(error, 2000), style="red")
                if not typer.confirm("Edit again?", default=True, err=True):
                    self._out.note(f"Your text is kept: {Draft.keep(text)}")
                    raise
            else:
                return

    def apply(self, changes: dict[str, Any], *, yes: bool, dry_run: bool) -> None:
        """Show the effect of a patch, ask where a certificate ends, and save it.

        Raises
        ------
        Conflict
            Another edit was saved meanwhile; the difference has been shown.
        """
        changes.pop("project", None)
        if not changes:
            self._out.note("Nothing is changed.")
            return
        try:
            preview = self._send(changes, dry_run=True)
            self._show(preview["effect"])
            if dry_run:
                self._finish(preview)
                return
            if preview["effect"]["certificate"] == "ended" and not yes:
                self._confirm()
            saved = self._send(changes, dry_run=False)
        except Conflict as error:
            if error.kind != "labels-in-use":
                self._show_theirs()
            raise
        self._finish(saved)

    def _send(self, changes: dict[str, Any], *, dry_run: bool) -> dict[str, Any]:
        projects = self._used.client.projects
        send = projects.dry_run if dry_run else projects.patch
        sent = send(
            self._name,
            {**changes, **self._more},
            revision=self._before["revision"],
            allow_label_removal=self._removal,
        )
        return document_of(sent)

    def _show(self, effect: dict[str, Any]) -> None:
        if effect["certificate"] == "ended":
            for sentence in effect["why"]:
                self._out.note(f"This {sentence}.", style="yellow")
            labels = count(effect["labels_to_renew"], "label")
            self._out.note(f"A new certification takes {labels}; until then people answer all.")
        elif effect["certificate"] == "kept":
            self._out.note("Certificates are kept.")

    def _confirm(self) -> None:
        if not self._out.is_interactive:
            raise UserError("The edit ends a certificate: add --yes to save it all the same.", LOOK)
        if not typer.confirm("Save it?", default=False, err=True):
            raise UserError("Nothing was saved.", LOOK)

    def _show_theirs(self) -> None:
        newest = document_of(self._used.client.projects.get(self._name))
        names = (f"revision {self._before['revision']}", f"revision {newest['revision']}")
        self._out.note("Another edit was saved meanwhile:")
        self._out.note(difference(editable(self._before), editable(newest), names))

    def _finish(self, document: dict[str, Any]) -> None:
        if self._out.is_json:
            self._out.document(document)
        elif "effect" not in document:
            self._out.say(f"Saved revision {document['revision']} of {self._name}.")
