"""What the review queue shows of itself is what is in its database."""

import pytest
from prometheus_client.parser import text_string_to_metric_families
from pydantic import SecretStr

from services.review_queue.lifecycle.metrics import QueueMeasurement
from services.review_queue.settings import ReviewQueueSettings
from shared.auth import Keys
from shared.db import Database
from shared.settings import CommonSettings
from tests.harness import client
from tests.harness.clock import Clock
from tests.harness.desk import Desk, body_of, entry, open_desk

pytestmark = pytest.mark.own_desk

QUEUE = "surehand_review_queue"
_SECRET = SecretStr("read-the-metrics")


async def shown(desk: Desk, project: str = "shop") -> dict[tuple[str, ...], float]:
    """Return the values of one project's series by metric and other labels."""
    text = (await desk.operator.get("/metrics")).text
    return {
        (sample.name, *(value for name, value in sample.labels.items() if name != "project")): (
            sample.value
        )
        for family in text_string_to_metric_families(text)
        for sample in family.samples
        if sample.labels.get("project") == project
    }


async def test_what_waits_is_shown_by_lane_with_its_oldest_and_gone_when_answered(
    desk: Desk, settings: ReviewQueueSettings, clock: Clock
) -> None:
    database = Database(settings.database_url)
    measurement = QueueMeasurement(database, clock)
    await desk.put_project()
    await desk.put_project("idle")
    await desk.post(entry("a"), entry("b"), entry("c", lane="audit"))
    clock.advance(40)
    await desk.post(entry("d"))
    await measurement.measure()
    values = await shown(desk)
    assert values[f"{QUEUE}_waiting_items", "mandatory"] == 3
    assert values[f"{QUEUE}_waiting_items", "audit"] == 1
    assert values[f"{QUEUE}_oldest_wait_seconds", "mandatory"] == 40
    for _ in range(4):
        await desk.answer("ann", "positive")
    await measurement.measure()
    values = await shown(desk)
    assert (f"{QUEUE}_waiting_items", "audit") not in values
    assert not [key for key in await shown(desk, "idle") if key[0].startswith(QUEUE)]
    measurement.clear()
    await database.dispose()


async def test_answers_and_outcomes_are_counted_once(desk: Desk) -> None:
    before = await shown(desk)

    async def grown(*key: str) -> float:
        values = await shown(desk)
        return values.get(key, 0) - before.get(key, 0)

    await desk.put_project()
    await desk.post(entry("a"), entry("b", lane="audit"), entry("c"), entry("d"))
    for _ in range(3):
        lease = await desk.lease_one("ann")
        await desk.verdict("ann", lease["token"], "positive")
        # The same verdict again, as a client sends it whose answer was lost, is none more.
        await desk.verdict("ann", lease["token"], "positive")
    lease = await desk.lease_one("ann")
    assert (await desk.use("ann", lease["token"], "skip", {"reason": "unclear"})).is_success
    elsewhere = {"reviewer": "bea", "label": "negative"}
    task = lease["task"]["task_id"]
    response = await desk.service.post(f"/v1/projects/shop/tasks/{task}/verdicts", json=elsewhere)
    body_of(response)
    await desk.outcomes()
    await desk.outcomes()
    assert await grown(f"{QUEUE}_verdicts_total", "verdict") == 3
    assert await grown(f"{QUEUE}_verdicts_total", "skip") == 1
    assert await grown(f"{QUEUE}_verdicts_total", "on-behalf") == 1
    outcomes = [
        await grown(f"{QUEUE}_outcomes_total", lane, "human") for lane in ("mandatory", "audit")
    ]
    assert outcomes == [3, 1]


async def test_metrics_ask_for_their_token_where_one_is_set(
    common: CommonSettings, keys: Keys, sqlite_url: str, clock: Clock
) -> None:
    protected = common.model_copy(update={"metrics_token": _SECRET})
    settings = ReviewQueueSettings(database_url=sqlite_url)
    async with open_desk(protected, settings, keys, clock) as desk:
        tokens = {None: 401, "another": 401, _SECRET.get_secret_value(): 200}
        tokens |= {keys.issue("reviewer", "r1"): 401, keys.issue("operator", "ann"): 200}
        for token, status in tokens.items():
            async with client(desk.base_url, token) as http:
                answer = await http.get("/metrics")
            assert answer.status_code == status
            assert (f"{QUEUE}_outcomes" in answer.text) == (status == 200)
            assert status == 200 or answer.json()["type"] == "urn:surehand:problem:unauthorized"


@pytest.mark.any_database
async def test_metrics_tell_a_reviewer_nothing_of_lanes_and_audits(desk: Desk) -> None:
    await desk.put_project()
    await desk.post(entry("a", lane="audit"))
    await desk.answer("ann", "positive")
    await desk.outcomes()
    all_of_them = (await desk.operator.get("/metrics")).text
    hidden = ("waiting_items", "oldest_wait_seconds", "disputed_items", "outcomes")
    assert all(f"{QUEUE}_{name}" in all_of_them for name in hidden)
    for token in (None, desk.keys.issue("reviewer", "ann"), desk.keys.issue("caller", "app")):
        for accept in ("text/plain", "application/openmetrics-text"):
            async with client(desk.base_url, token) as http:
                shown_to_them = (await http.get("/metrics", headers={"Accept": accept})).text
            assert "surehand_http_requests" in shown_to_them
            assert not [word for word in ("lane=", 'result="wrong"') if word in shown_to_them]
            assert not [name for name in hidden if f"{QUEUE}_{name}" in shown_to_them]
