"""What a reviewer is told does not depend on the lane of a task, nor on what the model said."""

import re
from typing import Any

import httpx
import pytest

from tests.integration.review_queue.desk import Desk, Json, body_of, entry
from tests.integration.review_queue.gold.people import add_gold, known

URL = "/v1/projects/shop"
KINDS = ("mandatory", "audit", "certification", "gold")
LABELS = ("negative", "positive")
FORBIDDEN = ("lane", "prediction", "model_version", "propensity", "audit", "certification")


async def post(desk: Desk, kind: str, predicted: str) -> None:
    """Have one task of a kind wait, of which the model has said a label."""
    prediction = {
        "label": predicted,
        "confidence": 0.9,
        "model_version": "v1",
        "probabilities": {"negative": 0.9, "positive": 0.1},
        "propensity": 0.02,
    }
    if kind == "gold":
        await add_gold(desk, known("item", prediction=prediction))
    else:
        await desk.post(entry("item", lane=kind, prediction=prediction))


async def story(desk: Desk, reviewer: httpx.AsyncClient) -> list[Any]:
    """All that is said to a reviewer while he answers, repeats, takes back and answers anew."""
    told: list[Any] = []

    async def ask(method: str, path: str, body: Json | None = None) -> Json:
        response = await reviewer.request(method, path, json=body)
        told.append((response.status_code, sorted(response.headers), response.json()))
        return dict(response.json())

    async def looks() -> None:
        for what in ("reviewers/me", "feedback"):
            await ask("GET", f"{URL}/{what}")

    for label in ("negative", "positive"):
        (lease,) = (await ask("POST", f"{URL}/leases", {"count": 3}))["leases"]
        path = f"/v1/leases/{lease['token']}"
        await ask("POST", f"{path}/release")
        (lease,) = (await ask("POST", f"{URL}/leases", {"count": 3}))["leases"]
        path = f"/v1/leases/{lease['token']}"
        await ask("POST", f"{path}/renew")
        for again in (label, label, "neither"):
            await ask("POST", f"{path}/verdict", {"label": again})
        await looks()
        await ask("POST", f"{path}/renew")
        for _ in range(2):
            await ask("POST", f"{path}/undo")
        await ask("POST", f"{path}/skip", {"reason": "late"})
        desk.clock.turn(1)
    (lease,) = (await ask("POST", f"{URL}/leases"))["leases"]
    await ask("POST", f"/v1/leases/{lease['token']}/skip", {"reason": "unclear"})
    await looks()
    return told


def without_chance(told: list[Any]) -> str:
    """What is told, without the tokens that are drawn for it."""
    return re.sub(r"[A-Za-z0-9_-]{43}", "TOKEN", repr(told))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("predicted", LABELS)
async def test_reviewer_is_told_the_same_whatever_the_lane_and_the_prediction(
    desk: Desk, kind: str, predicted: str
) -> None:
    await desk.put_project(review={"lease_seconds": 60, "max_overlap": 9})
    if kind == "gold":
        # Gold comes only among other tasks; without any, a newcomer gets it first.
        await desk.put_project(
            review={"lease_seconds": 60, "max_overlap": 9, "onboarding_tasks": 1}
        )
    await post(desk, kind, predicted)
    told = without_chance(await story(desk, desk.reviewer("r1")))
    assert not [word for word in FORBIDDEN if word in told]
    assert told == EXPECTED.setdefault("told", told)


# The first story that was told: all others are to be the same.
EXPECTED: dict[str, str] = {}


async def test_operators_see_the_whole_outcome_where_a_reviewer_sees_label_and_revision(
    desk: Desk,
) -> None:
    await desk.put_project()
    await post(desk, "audit", "positive")
    progress = await desk.answer("r1", "negative")
    assert progress["outcome"] == {"label": "negative", "revision": 1}
    path = f"{URL}/tasks/{progress['task_id']}"
    reopened = body_of(await desk.operator.post(f"{path}/reopen"))
    assert reopened["outcome"]["lane"] == "audit"
    verdict = {"reviewer": "anna", "label": "positive"}
    recorded = body_of(await desk.service.post(f"{path}/verdicts", json=verdict))
    assert recorded["outcome"]["prediction"]["label"] == "positive"


async def test_routes_that_tell_lanes_or_predictions_are_not_for_reviewers(desk: Desk) -> None:
    await desk.put_project()
    await post(desk, "audit", "positive")
    progress = await desk.answer("r1", "negative")
    task = progress["task_id"]
    for path in (
        *("tasks", f"tasks/{task}", "outcomes", "outcomes/item", "queue", "timings", "agreement"),
        *("reviewers", "suspects", "gold", "activity", "export", "webhooks"),
    ):
        response = await desk.reviewer("r1").get(f"{URL}/{path}")
        assert response.status_code == 403, path
    response = await desk.reviewer("r1").post(f"{URL}/outcomes", json={"item_ids": ["item"]})
    assert response.status_code == 403
