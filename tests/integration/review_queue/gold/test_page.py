"""The reviewers' page with gold: what it counts, and what it says to one who is paused."""

import pytest

from shared.contracts.base import rfc3339
from tests.harness.consoles import link, visiting
from tests.harness.desk import Desk, Json, body_of, entry, problem_of
from tests.integration.review_queue.gold.people import add_gold, known

pytestmark = pytest.mark.any_database


@pytest.fixture(autouse=True)
async def project(desk: Desk) -> None:
    review = {"max_overlap": 2, "lease_seconds": 60, "onboarding_tasks": 2, "gold_rate": 0}
    await desk.put_project(review=review, instructions="")


async def test_gold_counts_as_work_of_ones_own(desk: Desk) -> None:
    await desk.post(*(entry(f"a{number}") for number in range(5)))
    await add_gold(desk, known("g1"), known("g2"))
    async with visiting(desk) as anna:
        await anna.enter(await link(desk))
        since = rfc3339(desk.clock())

        async def progress() -> Json:
            return body_of(await anna.http.get(desk.page("progress"), params={"since": since}))

        assert await progress() == {"open": 5, "leased": 0, "verdicts": 0, "skips": 0}
        first, second = await desk.lease("anna", 2)
        assert await progress() == {"open": 3, "leased": 2, "verdicts": 0, "skips": 0}
        body = {"label": "positive", "active_seconds": 7.0}
        body_of(await anna.post(f"/leases/{first['token']}/verdict", body))
        body_of(await anna.post(f"/leases/{second['token']}/skip", {}))
        assert await progress() == {"open": 4, "leased": 0, "verdicts": 1, "skips": 1}
        shown = await anna.http.get(desk.page("me"))
        assert "7.0" in shown.text
        assert "gold" not in shown.text
        body_of(await anna.post(f"/leases/{second['token']}/undo"))
        assert (await progress())["skips"] == 0


async def test_who_is_paused_sees_a_page_that_says_so(desk: Desk) -> None:
    await desk.post(entry("a"))
    reason = "Ask <b>Olga</b>"
    async with visiting(desk) as anna:
        await anna.enter(await link(desk))
        assert "Your work here is paused" not in (await anna.http.get(desk.page())).text
        pausing = desk.path("reviewers/anna/pause")
        body_of(await desk.operator.post(pausing, json={"reason": reason}))
        shown = await anna.http.get(desk.page())
        assert shown.status_code == 200
        assert "Your work here is paused" in shown.text
        assert "Ask &lt;b&gt;Olga&lt;/b&gt;" in shown.text
        refused = await anna.post(desk.page("tasks"), {"count": 1})
        assert problem_of(refused, 403, "reviewer-paused")["reason"] == reason
        assert (await anna.http.get(desk.page("me"))).status_code == 200
        body_of(await desk.operator.post(desk.path("reviewers/anna/resume")))
        assert "Your work here is paused" not in (await anna.http.get(desk.page())).text


async def test_own_page_tells_how_one_fares_but_not_on_which_item(desk: Desk) -> None:
    await desk.put_project(review={"onboarding_tasks": 2, "lease_seconds": 60})
    await add_gold(desk, known("g1"), known("g2"))
    for label in ("positive", "negative"):
        lease = await desk.lease_one("anna")
        body = {"label": label, "active_seconds": 6.0}
        body_of(await desk.use("anna", lease["token"], "verdict", body))
    async with visiting(desk) as anna:
        await anna.enter(await link(desk))
        shown = (await anna.http.get(desk.page("me"))).text
        assert "<dt>answers an hour of active time</dt><dd>600</dd>" in shown
        # What moved with an answer would name it.
        assert "label was known" not in shown
        assert "final label" not in shown
        desk.clock.advance(86_400)
        await anna.enter(await link(desk))
        shown = (await anna.http.get(desk.page("me"))).text
    own = body_of(await desk.reviewer("anna").get(desk.path("reviewers/me")))["gold"]
    low, high = (f"{100 * own[end]:.0f}" for end in ("low", "high"))
    assert f"50 % <small>of 2; most likely {low} to {high} %</small>" in shown
    assert "g1" not in shown


async def test_own_page_tells_how_often_one_gave_the_final_label(desk: Desk) -> None:
    await desk.put_project(review={"overlap": 3, "max_overlap": 3, "lease_seconds": 60})
    await desk.post(entry("a"))
    for name, label in (("anna", "negative"), ("boris", "positive"), ("cleo", "positive")):
        await desk.answer(name, label)
    async with visiting(desk) as anna:
        await anna.enter(await link(desk))
        shown = (await anna.http.get(desk.page("me"))).text
    assert "<dd>0 % <small>of 1</small></dd>" in shown
