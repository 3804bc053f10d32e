"""The page of the promise."""

import pytest
from playwright.async_api import expect

from tests.console.conftest import SignedIn
from tests.console.installation import Installed
from tests.harness import wait_until

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_the_promise_is_said_in_one_sentence_with_its_charts_drawn(
    installed: Installed, signed_in: SignedIn, project: str
) -> None:
    promise = await installed.both.get("promise")
    async with signed_in() as (page, _):
        await page.goto(f"/projects/{project}")
        await expect(page.locator(".sentence")).to_have_text(promise["sentence"])
        for chart in ("accuracy", "reliability", "confidences", "decisions"):
            figure = page.locator(f"figure[data-chart={chart}]")
            await figure.scroll_into_view_if_needed()
            await expect(figure).to_have_attribute("data-drawn", "true")
            await expect(figure.locator("canvas")).to_be_visible()
            await figure.get_by_text("As a table").click()
            await expect(figure.locator("tbody tr").first).to_be_visible()


async def test_the_slider_asks_what_another_target_would_mean(
    signed_in: SignedIn, project: str
) -> None:
    async with signed_in() as (page, _):
        await page.goto(f"/projects/{project}")
        await page.get_by_label("Target accuracy").fill("0.99")
        labels = page.locator("[data-live=what-if]").get_by_text("at least")
        # Clopper and Pearson at 90 %: 230 labels without an error prove 99 %.
        await expect(labels).to_contain_text("at least 230")


async def test_a_suspension_is_seen_without_a_reload_and_can_be_lifted(
    installed: Installed, signed_in: SignedIn, project: str
) -> None:
    async with signed_in() as (page, _), signed_in() as (other, _):
        await page.goto(f"/projects/{project}")
        await other.goto(f"/projects/{project}")
        await other.get_by_text("Suspend, resume, certify").click()
        await other.get_by_label("Reason for the suspension").fill("a wrong import")
        await other.get_by_role("button", name="Suspend automatic answers").click()
        await expect(other.get_by_role("status").first).to_contain_text("suspended")
        await expect(page.locator(".light")).to_have_text("Suspended")
        await expect(page.locator(".sentence")).to_contain_text("a wrong import")
        await other.get_by_text("Suspend, resume, certify").click()
        await other.get_by_role("button", name="Lift the suspension").click()
        await expect(page.locator(".light")).to_have_text("Certified")

    async def holds() -> bool:
        return bool((await installed.both.get("promise"))["valid_now"])

    await wait_until(holds)
