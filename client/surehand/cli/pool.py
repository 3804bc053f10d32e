"""``surehand ask``: reviewers label items of the pool."""

from typing import Annotated, Any

import typer

from surehand.cli import session
from surehand.cli.output import Output, document_of
from surehand.cli.text import count


def ask(
    ctx: typer.Context,
    size: Annotated[int, typer.Argument(min=1, max=100_000, help="How many items.")],
    project: session.Project = None,
    as_json: session.AsJson = False,
) -> None:
    """Ask reviewers about items of the pool, drawn at random."""
    used, out = session.of(ctx), session.output(as_json)
    asked = ask_reviewers(used, out, used.project(project), size)
    if as_json:
        out.document(asked)


def ask_reviewers(used: session.Session, out: Output, project: str, size: int) -> dict[str, Any]:
    """Make tasks of `size` items of the pool; return the trainer's receipt."""
    receipt = document_of(used.client.pool.request_labels(project, size))
    out.note(f"Reviewers are asked about {count(receipt['tasks'], 'item')}.")
    return receipt
