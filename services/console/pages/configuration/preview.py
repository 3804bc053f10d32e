"""What reviewers will see by the settings in the form."""

from collections.abc import Mapping
from typing import Any

from services.console.pages.configuration import label_displays
from services.console.web.cards import card
from services.console.web.item_fields import displays, field_specs
from services.console.web.markup import instructions_html
from services.console.web.project_pages import Project, get
from services.console.web.visit import Visit
from services.console.web.words import lines_of

_MOST_LABELS = 200
_STAND_IN = {"text": "A text that a reviewer reads.", "number": 4.5, "json": {"like": "this"}}


async def preview(visit: Visit, project: Project, values: Mapping[str, str]) -> dict[str, Any]:
    """Return what the desk's templates need: for an item of the project, or for a made-up one."""
    labels = lines_of(values["labels"])[:_MOST_LABELS]
    shown = label_displays.readable(values["label_display"])
    item = await _sample(visit, project)
    return {
        "title": values["title"].strip() or project["project"],
        "instructions": instructions_html(values["instructions"].replace("\r\n", "\n")),
        "fields": displays(item["data"], field_specs(project), frozenset()),
        "metadata": item["metadata"],
        "is_made_up": item["is_made_up"],
        "labels": labels,
        "label_display": {
            label: label_displays.NOTHING | display for label, display in shown.items()
        },
    }


async def _sample(visit: Visit, project: Project) -> dict[str, Any]:
    """Return the newest task's item; a stand-in where there is none."""
    name = project["project"]
    listed = await card(get(visit, "review_queue", name, "tasks", limit=1, order="newest"))
    for row in listed.listed("tasks"):
        task = await card(get(visit, "review_queue", name, f"tasks/{row['task_id']}"))
        if task and task.value["data"]:
            return {**task.value, "is_made_up": False}
    data = {
        field: _STAND_IN[spec["type"]]
        for field, spec in project["fields"].items()
        if spec["type"] in _STAND_IN
    }
    return {"data": data, "metadata": {}, "is_made_up": True}
