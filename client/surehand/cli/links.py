"""``surehand link``: a one-time link for a reviewer or an operator."""

from typing import Annotated
from urllib.parse import quote

import typer

from surehand.cli import session
from surehand.cli.failures import UserError
from surehand.cli.output import document_of
from surehand.cli.text import moment

_ROLES = ("reviewer", "operator")


def link(
    ctx: typer.Context,
    name: Annotated[str, typer.Argument(help="Who it is for: the name in every record.")],
    project: session.Project = None,
    role: Annotated[str, typer.Option(help="reviewer or operator.")] = "reviewer",
    days: Annotated[float, typer.Option(help="How long the session lasts.")] = 7.0,
    all_projects: Annotated[bool, typer.Option("--all", help="To all projects.")] = False,
    tag: Annotated[
        list[str] | None, typer.Option(help="What the person can do, such as language=de.")
    ] = None,
    as_json: session.AsJson = False,
) -> None:
    """Make a link that signs a person in, once; send it to that person alone."""
    if role not in _ROLES:
        raise UserError(f"--role is {' or '.join(_ROLES)}.")
    used, out = session.of(ctx), session.output(as_json)
    everywhere = all_projects or (role == "operator" and project is None)
    where = None if everywhere else used.project(project)
    link = used.client.links.create(where, name, role=role, hours=days * 24, tags=tag or None)
    made = document_of(link)
    # The review queue may not know where the console is.
    if used.connection.console:
        made["url"] = f"{used.connection.console}/enter?code={quote(made['code'])}"
    if as_json:
        out.document(made)
        return
    out.note(f"For {name}; it works once, until {moment(made['expires_at'])}:")
    out.say(made["url"])
