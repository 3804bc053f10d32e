"""The page on which operators adjudicate what reviewers could not."""

from collections import Counter
from typing import Any
from urllib.parse import quote

from fastapi import APIRouter, Response

from services.console.web.item_fields import displays, field_specs
from services.console.web.project_pages import call, get
from services.console.web.visit import Posted, Visited, desk_path

router = APIRouter(prefix="/review/{name}/adjudicate", include_in_schema=False)

_MOVED_ON = "The task has changed since the page was shown. Open the page again."


@router.get("")
async def show(visit: Visited, name: str, after: str | None = None) -> Response:
    """Show the oldest task that waits for an adjudicator, behind `after`, with what was said."""
    listed = await get(visit, "review_queue", name, "adjudications", limit=1, after=after)
    project = await get(visit, "review_queue", name)
    matter = next(iter(listed["adjudications"]), None)
    candidates = _candidates(matter, project["labels"]) if matter else []
    origins = visit.site.image_origins
    return visit.page(
        "desk/adjudicate.html",
        project=project,
        view="Adjudication",
        matter=matter,
        fields=displays(matter["data"], field_specs(project), origins) if matter else [],
        candidates=candidates,
        others=[label for label in project["labels"] if label not in candidates],
        after=quote(after) if after else None,
        following=quote(listed["cursor"]) if listed["cursor"] else None,
    )


def _candidates(matter: dict[str, Any], labels: list[str]) -> list[str]:
    """Return what reviewers said, the most frequent first; only labels that can be given."""
    given = Counter(one["label"] for one in matter["answers"] if not one["skipped"])
    return [label for label, _ in given.most_common() if label in labels]


@router.post("/{task_id}")
async def adjudicate(form: Posted, name: str, task_id: str, after: str | None = None) -> Response:
    """Give the final label, and go on behind `after`."""
    visit, path = form.visit, f"tasks/{quote(task_id, safe='')}"
    task = await get(visit, "review_queue", name, path)
    if str(task["revision"]) != form.text("revision"):
        return visit.page("message.html", status=409, title="It has changed", words=_MOVED_ON)
    if task["state"] == "resolved":
        # Should the console stop here, the task is open to all, and no answer is lost.
        await call(visit, "review_queue", "POST", name, f"{path}/reopen")
    body = {"label": form.values.get("label", "")}
    await call(visit, "review_queue", "POST", name, f"{path}/adjudicate", json=body)
    query = f"?after={quote(after)}" if after else ""
    return visit.to(f"{desk_path(name)}/adjudicate{query}")
