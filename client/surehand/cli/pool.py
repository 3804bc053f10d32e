"""``surehand ask`` and ``surehand learning``: labels of the pool, and what they bring."""

from typing import Annotated, Any

import typer

from surehand.cli import session
from surehand.cli.output import Output, document_of
from surehand.cli.text import count, percent

_EXCERPT = 80


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


def pool(
    ctx: typer.Context,
    state: Annotated[
        str, typer.Option(help="waiting, reserved, asked, passed, answered or refused.")
    ] = "waiting",
    limit: Annotated[int, typer.Option(min=1, max=1_000, help="How many to show.")] = 20,
    remove: Annotated[
        list[str] | None, typer.Option(help="The id of an item to remove; may be repeated.")
    ] = None,
    project: session.Project = None,
    as_json: session.AsJson = False,
) -> None:
    """Show items of the pool, or remove some that reviewers were not asked about."""
    used, out = session.of(ctx), session.output(as_json)
    name, calls = used.project(project), used.client.pool
    if remove:
        rows = [(one.item_id, one.status) for one in calls.remove(name, remove)]
        columns: tuple[str, ...] = ("item", "status")
    else:
        items = calls.items(name, state=state).page(limit=limit).items
        rows = [(one.item_id, _excerpt(one.data)) for one in items]
        columns = ("item", "data")
    if as_json:
        out.document([dict(zip(columns, row, strict=True)) for row in rows])
    elif rows:
        out.table(columns, rows)
    else:
        out.say(f"No item is {state}.")


def _excerpt(data: dict[str, Any]) -> str:
    text = ", ".join(str(value) for value in data.values())
    return text if len(text) <= _EXCERPT else f"{text[:_EXCERPT]}…"


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
    if curve.get("control"):
        out.say(f"Selection: {curve['control']['words']}.")
