"""The figures of the pages: drawn with data, in words without, and left alone while in use."""

import re
from typing import Any

import pytest
from playwright.async_api import Page, expect

from services.trainer.tables import LearningPoint
from tests.console.conftest import SignedIn
from tests.console.installation import Installed
from tests.harness import wait_until
from tests.harness.browser import PHONE, barriers
from tests.harness.trainer_and_queue import project_spec, review

pytestmark = pytest.mark.asyncio(loop_scope="session")

_REFRESH = """async (name) => {
  const { refresh } = await import("/assets/live.js");
  await refresh(document.querySelector(`[data-live=${name}]`));
}"""

# By how many pixels the drawing differs from the room that was kept for it.
_MOVED_BY = """figure => {
  const place = figure.querySelector(".drawing");
  const room = JSON.parse(figure.dataset.spec).height;
  return Math.abs(place.offsetHeight - room) + place.scrollHeight - place.offsetHeight;
}"""


async def drawn(page: Page, *charts: str) -> None:
    """Wait until each of the charts is drawn, and look into its table."""
    for chart in charts:
        figure = page.locator(f"figure[data-chart={chart}]")
        await figure.scroll_into_view_if_needed()
        await expect(figure).to_have_attribute("data-drawn", "true")
        await expect(figure.get_by_text("Drawing…")).to_have_count(0)
        assert await figure.evaluate(_MOVED_BY) == 0
        summary = await figure.locator("figcaption").inner_text()
        named = re.compile(re.escape(summary.strip()))
        await expect(figure.locator(".drawing")).to_have_attribute("aria-label", named)
        await figure.get_by_text("As a table").click()
        await expect(figure.locator("tbody tr").first).to_be_visible()


async def test_figures_are_drawn_and_a_refresh_leaves_what_is_in_use(
    signed_in: SignedIn, project: str
) -> None:
    async with signed_in() as (page, _):
        await page.goto("/")
        line = page.get_by_role("row").filter(has_text="Certified").locator("svg.sparkline")
        await expect(line.first).to_be_visible()
        await page.goto(f"/projects/{project}")
        await drawn(page, "states", "decisions", "confidences")
        await page.goto(f"/projects/{project}/queue")
        await page.get_by_role("link", name="the last 7 days").click()
        await drawn(page, "flow")
        await expect(page.locator("figure[data-chart=flow]")).to_contain_text("In the last 7 days")
        before = await page.locator("[data-live=flow]").inner_html()
        await page.evaluate(_REFRESH, "flow")
        # Its table is open: it is not taken away.
        assert await page.locator("[data-live=flow]").inner_html() == before
        await page.locator("[data-live=flow] details[open] summary").click()
        await page.evaluate(_REFRESH, "flow")
        await expect(page.locator("[data-live=flow] details[open]")).to_have_count(0)
        await drawn(page, "flow", "ages")
        await page.goto(f"/projects/{project}/people")
        await drawn(page, "label-mix")
        await expect(page.get_by_role("link", name="Add gold")).to_be_visible()
        await page.goto(f"/projects/{project}/versions")
        await drawn(page, "confusion-v1")
        await expect(page.get_by_text("that it had not learned from")).to_be_visible()


async def test_the_random_control_arm_is_drawn_with_its_table(
    installed: Installed, signed_in: SignedIn, project: str
) -> None:
    found = {
        "verdict": "pays",
        "words": "chosen labels teach more than random ones",
        "version": "v1",
        "labels": 84,
        "measured": 105,
        "chosen_accuracy": 0.9,
        "random_accuracy": 0.8,
        "difference": 0.1,
        "interval": [0.02, 0.18],
    }
    database = installed.both.resources.database

    async def measured() -> bool:
        async with database.reading() as session:
            return await session.get(LearningPoint, (project, "v1")) is not None

    await wait_until(measured)
    async with signed_in(viewport=PHONE) as (page, _):
        await page.goto(f"/projects/{project}/data/learning")
        few = page.get_by_text("not enough labels yet: 0 of 80 labels chosen")
        await expect(few).to_be_visible()
        async with database.transaction() as session:
            point = await session.get_one(LearningPoint, (project, "v1"))
            before, point.control = point.control, found
        await page.reload()
        await drawn(page, "learning-curve", "control-arm")
        arm = page.locator("figure[data-chart=control-arm]")
        await expect(arm.locator("figcaption")).to_contain_text(
            "a difference of +10.0 points, 95 % interval +2.0 to +18.0"
        )
        await expect(arm.get_by_role("row").last).to_contain_text("chosen teach more")
        assert await barriers(page) == []
        assert await page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
    async with database.transaction() as session:
        point = await session.get_one(LearningPoint, (project, "v1"))
        point.control = before


async def test_a_task_is_searched_for_and_adjudicated_beside_its_timeline(
    installed: Installed, signed_in: SignedIn
) -> None:
    queue = installed.both.queue
    assert (await queue.put("/v1/projects/searched", json=project_spec())).is_success
    tasks: list[dict[str, Any]] = [{"item_id": f"post-{i}", "data": review(i)} for i in range(60)]
    assert (await queue.post("/v1/projects/searched/tasks", json={"tasks": tasks})).is_success
    async with signed_in() as (page, _):
        await page.goto("/projects/searched/queue")
        await expect(page.locator("tbody tr.task")).to_have_count(50)
        await page.get_by_role("link", name="Next page").click()
        await expect(page.locator("tbody tr.task")).to_have_count(10)
        await page.get_by_label("Search ids and texts").fill("NUMBER17")
        await page.get_by_role("button", name="Filter").click()
        await expect(page.locator("tbody tr.task")).to_have_count(1)
        await expect(page.locator(".excerpt")).to_have_text(review(17)["text"])
        await page.get_by_role("button", name="Timeline of post-17").click()
        await expect(page.get_by_text("Task created")).to_be_visible()
        await page.get_by_text("Give the label, or ask again").click()
        assert await barriers(page) == []
        await page.get_by_label("Label", exact=True).last.select_option("positive")
        await page.get_by_role("button", name="Give this label").click()
        await expect(page.get_by_text("The label is given.")).to_be_visible()
        await page.goto("/projects/searched/queue?q=no+such+text&state=")
        await expect(page.get_by_text("No task fits these filters")).to_be_visible()
