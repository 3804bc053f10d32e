"""Learning: what the labels have brought so far, and whether to ask for more."""

from typing import Any

from fastapi import APIRouter, Response

from services.console.charts.learning import learning_chart
from services.console.charts.selection import selection_chart
from services.console.web.cards import cards
from services.console.web.project_pages import get, load_project, project_page
from services.console.web.visit import Visited

router = APIRouter(include_in_schema=False)
_BATCHES = 10


@router.get("/projects/{name}/data/learning")
async def show(visit: Visited, name: str) -> Response:
    """Show the learning curve, where the labelling stands, and the newest batches."""
    project = await load_project(visit, name)
    found: dict[str, Any] = await cards(
        labelling=get(visit, "trainer", name, "labelling"),
        curve=get(visit, "trainer", name, "learning-curve"),
        batches=get(visit, "trainer", name, "pool/batches", limit=_BATCHES),
    )
    curve, target = found["curve"], project.get("promise", {}).get("target_accuracy")
    charts: dict[str, Any] = {
        "chart": learning_chart(curve.value["points"], target) if curve and target else None,
        "selection": selection_chart(curve.value) if curve else None,
    }
    template = "data/learning.html"
    return project_page(visit, project, "Data", template, part="Learning", **found, **charts)
