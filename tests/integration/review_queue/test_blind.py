"""What a reviewer is told does not depend on the lane of a task, nor on what the model said."""

import re
from typing import Any

import pytest

from tests.harness.consoles import visiting
from tests.harness.desk import Desk, Json, body_of, entry
from tests.integration.review_queue.gold.people import known

pytestmark = pytest.mark.any_database

LABELS = ("negative", "positive")
# In each lane what is said must be what is said in the first, of which the model said the other
# label. Gold has a known label besides: a model may have been right about it, or wrong.
CASES = (
    ("mandatory", "negative"),
    ("audit", "positive"),
    ("certification", "positive"),
    ("gold", "negative"),
    ("gold", "positive"),
)
FORBIDDEN = ("lane", "prediction", "model_version", "propensity", "audit", "certification")


async def post(desk: Desk, kind: str, predicted: str, project: str | None = None) -> None:
    """Have one task of a kind wait, of which the model has said a label."""
    prediction = {
        "label": predicted,
        "confidence": 0.9,
        "model_version": "v1",
        "probabilities": {"negative": 0.9, "positive": 0.1},
        "propensity": 0.02,
    }
    if kind == "gold":
        items = {"items": [known("item", prediction=prediction)]}
        body_of(await desk.operator.post(f"/v1/projects/{project}/gold", json=items))
    else:
        await desk.post(entry("item", lane=kind, prediction=prediction), project=project)


async def story(desk: Desk, project: str) -> list[Any]:
    """All that is said to a reviewer while he answers, repeats, takes back and answers anew."""
    reviewer, told = desk.reviewer("r1"), []

    async def ask(method: str, path: str, body: Json | None = None) -> Json:
        response = await reviewer.request(method, path, json=body)
        told.append((response.status_code, sorted(response.headers), response.json()))
        return dict(response.json())

    async def lease() -> str:
        answer = await ask("POST", f"/v1/projects/{project}/leases", {"count": 3})
        (one,) = answer["leases"]
        return f"/v1/leases/{one['token']}"

    async def looks() -> None:
        for what in ("reviewers/me", "feedback"):
            await ask("GET", f"/v1/projects/{project}/{what}")

    for label in LABELS:
        await ask("POST", f"{await lease()}/release")
        path = await lease()
        await ask("POST", f"{path}/renew")
        for again in (label, label, "neither"):
            await ask("POST", f"{path}/verdict", {"label": again})
        await looks()
        await ask("POST", f"{path}/renew")
        for _ in range(2):
            await ask("POST", f"{path}/undo")
        await ask("POST", f"{path}/skip", {"reason": "late"})
        desk.clock.advance(1)
    await ask("POST", f"{await lease()}/skip", {"reason": "unclear"})
    await looks()
    return told


def without_ids(told: list[Any]) -> str:
    """What is told, without what is drawn for it, and what names the item."""
    return re.sub(r"[A-Za-z0-9_-]{43}|[0-9a-f-]{36}", "ID", repr(told))


@pytest.mark.own_desk
async def test_reviewer_is_told_the_same_whatever_the_lane_and_the_prediction(desk: Desk) -> None:
    began, told = desk.clock.moment, {}
    for kind, predicted in CASES:
        desk.clock.moment = began
        name = f"{kind[0]}{predicted[0]}-shop"
        # Gold hides among other tasks; a newcomer gets it also where there are none.
        onboarding = {"onboarding_tasks": 1} if kind == "gold" else {}
        review = {"lease_seconds": 60, "max_overlap": 9, **onboarding}
        await desk.put_project(name, review=review)
        await post(desk, kind, predicted, name)
        told[kind, predicted] = without_ids(await story(desk, name))
    (only,) = set(told.values())
    assert not [word for word in FORBIDDEN if word in only]


async def test_operators_see_the_whole_outcome_where_a_reviewer_sees_label_and_revision(
    desk: Desk,
) -> None:
    await desk.put_project()
    await post(desk, "audit", "positive")
    progress = await desk.answer("r1", "negative")
    assert progress["outcome"] == {"label": "negative", "revision": 1}
    path = desk.path(f"tasks/{progress['task_id']}")
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
        response = await desk.reviewer("r1").get(desk.path(f"{path}"))
        assert response.status_code == 403, path
    response = await desk.reviewer("r1").post(desk.path("outcomes"), json={"item_ids": ["item"]})
    assert response.status_code == 403


async def test_pages_tell_what_the_api_tells(desk: Desk) -> None:
    await desk.put_project(instructions="", review={"lease_seconds": 60})
    await post(desk, "audit", "positive")
    token = desk.keys.issue("operator", "op")
    async with visiting(desk) as page:
        assert (await page.sign_in(token)).status_code == 303
        shown = await page.post(desk.page("tasks"), {"count": 1})
        (found,) = re.findall(r'data-token="([^"]+)"', shown.text)
        told = [shown.text]
        for what, body in (("verdict", {"label": "negative"}), ("undo", None), ("renew", None)):
            told.append((await page.post(f"/leases/{found}/{what}", body)).text)
        told += [(await page.http.get(desk.page(f"{what}"))).text for what in ("progress", "me")]
    assert '"outcome":{"label":"negative","revision":1}' in told[1]
    assert not [word for word in FORBIDDEN for text in told if word in text]


@pytest.mark.own_desk
async def test_evidence_shows_no_suggestion_however_few_others_show_none(desk: Desk) -> None:
    review = {"blind": False, "unsuggested_rate": 0.05, "lease_seconds": 60}
    await desk.put_project(review=review)
    prediction = {"label": "positive", "confidence": 0.9, "model_version": "v1"}
    lanes = ("mandatory", "optional", "audit", "certification")
    for lane in lanes:
        entries = [entry(f"{lane}-{i}", lane=lane, prediction=prediction) for i in range(20)]
        await desk.post(*entries)
    shown: dict[str, list[Json | None]] = {lane: [] for lane in lanes}
    members = set()
    for lease in await desk.lease("r1", 80):
        task = lease["task"]
        shown[task["item_id"].rsplit("-", 1)[0]].append(task["suggestion"])
        members.add(tuple(task))
    assert len(members) == 1
    for lane in ("audit", "certification"):
        assert shown[lane] == [None] * 20
    for lane in ("mandatory", "optional"):
        told = [one for one in shown[lane] if one is not None]
        assert len(told) >= 15
        assert all(one == {"label": "positive", "confidence": 0.9} for one in told)
