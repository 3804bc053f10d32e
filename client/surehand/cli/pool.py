"""``surehand ask`` and ``surehand learning``: labels of the pool, and what they bring."""

from typing import Annotated, Any

import typer

from surehand.cli import session
from surehand.cli.output import Output, document_of
from surehand.cli.text import count, percent


def ask(
    ctx: typer.Context,
    size: Annotated[int, typer.Argument(min=1, max=100_000, help="How many items.")],
    strategy: Annotated[
        str,
        typer.Option(help="random; or auto, typiclust, margin: the items that teach most."),
    ] = "random",
    project: session.Project = None,
    as_json: session.AsJson = False,
) -> None:
    """Ask reviewers about items of the pool: drawn at random, or chosen."""
    used, out = session.of(ctx), session.output(as_json)
    asked = ask_reviewers(used, out, used.project(project), size, strategy)
    if as_json:
        out.document(asked)


def ask_reviewers(
    used: session.Session, out: Output, project: str, size: int, strategy: str = "random"
) -> dict[str, Any]:
    """Make tasks of `size` items of the pool; return the trainer's receipt."""
    receipt = document_of(used.client.pool.request_labels(project, size, strategy=strategy))
    arms = ", ".join(f"{number} {arm}" for arm, number in receipt["arms"].items())
    how = f" ({arms})" if receipt["used"] != "random" and arms else ""
    out.note(f"Reviewers are asked about {count(receipt['tasks'], 'item')}{how}.")
    return receipt


def learning(
    ctx: typer.Context, project: session.Project = None, as_json: session.AsJson = False
) -> None:
    """Say what the labels have brought so far, and whether to ask for more."""
    used, out = session.of(ctx), session.output(as_json)
    name = used.project(project)
    now = document_of(used.client.pool.labelling(name))
    curve = document_of(used.client.pool.learning_curve(name))
    if as_json:
        out.document({"labelling": now, "curve": curve})
        return
    out.say(now["sentence"])
    rows = [
        (
            one["version"],
            str(one["labels"]),
            "?" if one["accuracy"] is None else percent(one["accuracy"], 1),
            f"{percent(one['interval'][0], 1)} to {percent(one['interval'][1], 1)}",
            percent(one["coverage"]),
            "" if one["kappa"] is None else f"{one['kappa']:.3f}",
        )
        for one in curve["points"]
    ]
    if rows:
        columns = ("version", "labels", "accuracy", "95 % interval", "could answer", "kappa")
        out.table(columns, rows)
