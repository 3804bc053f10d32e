"""``surehand drift``, ``slices`` and ``relabel``."""

from typing import Annotated, Any

import typer

from surehand.cli import session
from surehand.cli.failures import LOOK
from surehand.cli.output import Output, document_of
from surehand.cli.text import count, moment, percent

_CALM = frozenset({"none", "learning", "quiet"})


def drift(
    ctx: typer.Context,
    project: session.Project = None,
    accept: Annotated[
        bool, typer.Option("--accept", help="Accept the new items as the reference.")
    ] = False,
    check: Annotated[bool, typer.Option("--check", help="Status 1 if drift was found.")] = False,
    as_json: session.AsJson = False,
) -> None:
    """Say whether the items have changed, how, and since when."""
    used, out = session.of(ctx), session.output(as_json)
    name, calls = used.project(project), used.client.monitoring
    found = document_of(calls.accept_drift(name) if accept else calls.drift(name))
    if as_json:
        out.document(found)
    else:
        _show(out, found)
    if check and found["level"] not in _CALM:
        raise typer.Exit(LOOK)


def _show(out: Output, found: dict[str, Any]) -> None:
    out.say(found["sentence"], style="green" if found["level"] in _CALM else "yellow")
    if found.get("began_at"):
        began, seen = moment(found["began_at"]), moment(found["found_at"])
        out.say(f"It began about {began}, and was found {seen}.")
    rows = [
        (one["words"], _figure(one["mean_before"]), _figure(one["mean_recent"]),
         _figure(one["shift"]), _figure(one["stability_index"]))
        for one in found.get("streams", [])
    ]  # fmt: skip
    if rows:
        out.table(("figure", "before", "now", "moved by (deviations)", "stability index"), rows)
    shares = [
        (one["label"], percent(one["before"]), percent(one["recent"]), percent(one["estimate"]))
        for one in found.get("labels", [])
    ]
    if shares:
        out.table(("label", "suggested before", "suggested now", "estimated now"), shares)
    accuracy = found.get("accuracy")
    if accuracy and accuracy["recent"] is not None:
        out.say(
            f"Estimated accuracy: {percent(accuracy['before'], 1)} before, "
            f"{percent(accuracy['recent'], 1)} now. {accuracy['note']}"
        )


def slices(
    ctx: typer.Context,
    version: Annotated[str | None, typer.Argument(help="The champion by default.")] = None,
    project: session.Project = None,
    as_json: session.AsJson = False,
) -> None:
    """Say on which kinds of items a version is wrong more often than elsewhere."""
    used, out = session.of(ctx), session.output(as_json)
    found = document_of(used.client.monitoring.slices(used.project(project), version))
    if as_json:
        out.document(found)
        return
    out.say(found["sentence"])
    rows = [
        (
            one["words"],
            one["items"],
            percent(one["share"], 1),
            (
                f"{percent(one['error_rate'], 1)} ({percent(one['interval'][0], 1)} to "
                f"{percent(one['interval'][1], 1)})"
            ),
            percent(one["rest_error_rate"], 1),
        )
        for one in found.get("slices", [])
    ]
    if rows:
        out.table(("slice", "items", "of the traffic", "wrong (95 %)", "elsewhere"), rows)
    worse = [one for one in found.get("groups", []) if one["is_worse"]]
    for one in worse:
        out.say(
            f"Group {one['key']} = {one['value']}: {percent(one['error_rate'], 1)} wrong, "
            f"{percent(one['rest_error_rate'], 1)} of the others."
        )


def relabel(
    ctx: typer.Context,
    labels: Annotated[int | None, typer.Argument(help="Plan so many labels.")] = None,
    start: Annotated[
        bool, typer.Option("--start", help="Ask people for the labels of the newest plan.")
    ] = False,
    project: session.Project = None,
    as_json: session.AsJson = False,
) -> None:
    """Show the newest relabel plan; make one with a number of labels; start it."""
    used, out = session.of(ctx), session.output(as_json)
    name, calls = used.project(project), used.client.monitoring
    plan = None if labels is None else calls.plan_relabelling(name, labels)
    if plan is None:
        plan = next(iter(calls.relabel_plans(name)), None)
    if plan is not None and start:
        plan = calls.start_relabelling(name, plan.plan_id)
    if as_json:
        out.document(None if plan is None else document_of(plan))
    elif plan is None:
        out.say("There is no plan yet: `surehand relabel 300` makes one of 300 labels.")
    else:
        _show_plan(out, document_of(plan))


def _show_plan(out: Output, plan: dict[str, Any]) -> None:
    since = f"since {moment(plan['since'])}" if plan.get("since") else "so far"
    out.say(
        f"Of {count(plan['new_items'], 'item')} that {plan['version']} decided {since}, "
        f"{plan['items']} are to be labelled; {plan['labelled']} are."
    )
    for tranche in plan["tranches"]:
        out.say(f"{tranche['items']} {tranche['name']}: {tranche['reason']}.")
        rows = [(one["words"], one["items"], one["of"]) for one in tranche.get("parts", [])]
        if rows:
            out.table(("kind of items", "to label", "of"), rows)
    if plan["state"] == "planned":
        out.note("`surehand relabel --start` asks people for them.")


def _figure(value: float | None) -> str:
    return "" if value is None else f"{value:.3g}"
