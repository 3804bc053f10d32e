"""A reviewer who is paused while he works."""

import pytest
from playwright.async_api import Route, expect

from tests.browser.conftest import Enter, shown
from tests.browser.desk import has, holds
from tests.harness import wait_until
from tests.harness.desk import Desk, body_of, entry

pytestmark = pytest.mark.asyncio(loop_scope="session")

URL = "/v1/projects/shop/reviewers/anna"


async def test_paused_reviewer_finishes_what_he_holds_and_is_told_why(
    desk: Desk, enter: Enter
) -> None:
    await desk.put_project(instructions="")
    await desk.post(*(entry(f"item-{number}") for number in range(4)))
    async with enter("anna") as (page, watched):
        await expect(page.locator(".task")).to_be_visible()
        await wait_until(lambda: holds(desk, 2))
        body_of(await desk.operator.post(f"{URL}/pause", json={"reason": "Talk to Olga"}))
        watched.expected = "the server responded with a status of 403"
        first = await shown(page)
        await page.keyboard.press("1")
        await expect(page.locator(".task .item-id bdi")).not_to_have_text(first)
        second = await shown(page)
        # The last answer cannot be sent before the page changes: it is sent from the next one.
        held: list[Route] = []

        async def hold(route: Route) -> None:
            if held:
                await route.continue_()
            else:
                held.append(route)
                await route.abort("internetdisconnected")

        await wait_until(lambda: has(desk, {first: "negative"}))
        watched.expected = "Failed to load resource"
        await watched.context.route("**/verdict", hold)
        await page.keyboard.press("2")
        await expect(page.get_by_role("heading", name="Your work here is paused")).to_be_visible()
        await expect(page.get_by_text("Talk to Olga")).to_be_visible()
        await wait_until(lambda: has(desk, {first: "negative", second: "positive"}))
        body_of(await desk.operator.post(f"{URL}/resume"))
        await page.get_by_role("link", name="Look again").click()
        await expect(page.locator(".task")).to_be_visible()
