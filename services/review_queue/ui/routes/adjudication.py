"""The page on which operators adjudicate what reviewers could not."""

from collections import Counter
from typing import Annotated
from urllib.parse import quote

from fastapi import APIRouter, Query, Response
from pydantic import ValidationError

from services.review_queue.desk.progress import ProgressService
from services.review_queue.lifecycle.decisions import DecisionService
from services.review_queue.lifecycle.messages import Adjudication
from services.review_queue.lifecycle.tasks.service import TaskService, place_of
from services.review_queue.projects.service import ProjectService
from services.review_queue.ui.fields import displays
from services.review_queue.ui.routes.entering import Form
from services.review_queue.ui.routes.sessions import AtSite, PageRoute
from services.review_queue.ui.site import page, to
from shared.http.access import ByOperator, Injected
from shared.problems import Conflict, Unprocessable

router = APIRouter(
    prefix="/ui/p/{project}/adjudicate", route_class=PageRoute, include_in_schema=False
)


@router.get("")
async def matter(
    project: str,
    records: Injected[ProgressService],
    projects: Injected[ProjectService],
    who: ByOperator,
    site: AtSite,
    after: Annotated[str | None, Query(max_length=500)] = None,
) -> Response:
    """Show the oldest task that waits for an adjudicator, behind `after`, with what was said."""
    document = await projects.get(project)
    found = await records.cases(project, after=place_of(after), limit=1)
    first, cursor = next(iter(found.adjudications), None), found.cursor
    given = Counter(one.label for one in first.answers if not one.skipped) if first else Counter()
    # The most frequent first; a label that the project no longer has cannot be given.
    candidates = [label for label, _ in given.most_common() if label in document.labels]
    return page(
        "adjudicate.html",
        who=who,
        project=document,
        matter=first,
        fields=displays(first.data, document.fields, site.image_origins) if first else [],
        candidates=candidates,
        others=[label for label in document.labels if label not in candidates],
        after=None if after is None else quote(after),
        following=None if cursor is None else quote(cursor),
    )


@router.post("/{task_id}")
async def adjudicate(
    project: str,
    task_id: str,
    form: Form,
    tasks: Injected[TaskService],
    decisions: Injected[DecisionService],
    who: ByOperator,
    after: Annotated[str | None, Query(max_length=500)] = None,
) -> Response:
    """Give the final label, and go on behind `after`."""
    try:
        word = Adjudication(label=form.get("label", ""))
    except ValidationError as error:
        raise Unprocessable([("/label", "is not a label of this project")]) from error
    task = await tasks.show(project, task_id)
    if str(task.revision) != form.get("revision", ""):
        raise Conflict("The task has moved on since the page was shown; look at it again.")
    if task.state == "resolved":
        # Should the service stop here, the task is open to all, and no answer is lost.
        await decisions.reopen(project, task_id, who.subject)
    await decisions.adjudicate(project, task_id, word, who.subject)

    query = "" if after is None else f"?after={quote(after)}"
    return to(f"/ui/p/{project}/adjudicate{query}")
