"""``surehand why``: why an item was answered or went to people, and what happened to it."""

from typing import Annotated, Any

import typer

from surehand.cli import session
from surehand.cli.failures import LOOK
from surehand.cli.output import Output, document_of, documents_of
from surehand.cli.text import item_text, line_of, moment, percent
from surehand.errors import NotFound


def why(
    ctx: typer.Context,
    item_id: Annotated[str, typer.Argument(help="The item's id.")],
    project: session.Project = None,
    as_json: session.AsJson = False,
) -> None:
    """Say why an item was answered or went to people, and what happened to it since."""
    used, out = session.of(ctx), session.output(as_json)
    name = used.project(project)
    decisions = documents_of(used.client.decisions.list(name, item_id=item_id))
    task, lineage = _task(used, name, item_id), _lineage(used, name, item_id)
    if as_json:
        out.document({"item_id": item_id, "decisions": decisions, "task": task, "lineage": lineage})
    else:
        _show(out, decisions, task)
        for answer in (lineage or {}).get("answers", [])[:1]:
            _say_lineage(out, answer)
    if not decisions and task is None and lineage is None:
        out.note(
            f"Nothing is known of {item_id} in {name}: it was never sent, or too long ago; a "
            "decision is listed some seconds after it was taken."
        )
        raise typer.Exit(LOOK)


def _task(used: session.Session, project: str, item_id: str) -> dict[str, Any] | None:
    try:
        outcome = used.client.outcomes(project).get(item_id)
        return document_of(used.client.tasks.get(project, outcome.task_id))
    except NotFound:
        return None


def _lineage(used: session.Session, project: str, item_id: str) -> dict[str, Any] | None:
    try:
        return document_of(used.client.decisions.lineage(project, item_id))
    except NotFound:
        return None


def _say_lineage(out: Output, answer: dict[str, Any]) -> None:
    """Print what the newest answer rests on."""
    run, dataset, proof = (answer.get(name) for name in ("run", "dataset", "certificate"))
    version = answer["decision"].get("model_version")
    if version is None:
        return
    out.say(f"What the newest decision rests on: {version}", style="bold")
    if answer["source"] == "job":
        out.say(f"  {answer['decision']['explanation']}")
    if run:
        out.say(f"  run {run['run_id']}: {run['recipe']}, asked for by {run['requested_by']}")
    if dataset:
        items = "" if dataset.get("items") is None else f": {dataset['items']:,} labels"
        out.say(f"  snapshot {dataset['dataset_id'][:12]}{items}")
    if proof:
        counts = "" if proof.get("labels") is None else f", {proof['labels']:,} labels"
        wrong = "" if proof.get("errors") is None else f", {proof['errors']} wrong"
        at = moment(proof.get("certified_at"))
        out.say(f"  certification {proof['certification_id']} of {at}{counts}{wrong}")


def _show(out: Output, decisions: list[dict[str, Any]], task: dict[str, Any] | None) -> None:
    for row in decisions:
        out.say(moment(row.get("received_at")), _decision(row), style="bold")
        out.say(f"  {row.get('explanation') or row.get('reason')}")
        if row.get("audited"):
            out.say("  It was drawn for an audit: people were asked too.")
    if task is None:
        return
    label = task.get("label")
    state = f"resolved: {label}" if label else str(task["state"])
    out.say(f"Task {task['task_id']} ({task['lane']}), {state}", style="bold")
    out.say(item_text(task.get("data") or {}))
    for entry in task.get("timeline") or []:
        said = entry.get("words") or entry["kind"]
        out.say(f"  {moment(entry.get('at'))}  {line_of(said, 500)}")


def _decision(row: dict[str, Any]) -> str:
    version = f" by {row['model_version']}" if row.get("model_version") else ""
    sure = f", confidence {percent(row['confidence'], 1)}" if row.get("confidence") else ""
    if row["decision"] == "answered":
        return f"answered {row.get('label')}{version}{sure}"
    hint = f", suggestion {row['suggestion']}" if row.get("suggestion") else ""
    shown = "went to people" if row["decision"] == "in_review" else str(row["decision"])
    return f"{shown}{hint}{version}{sure}"
