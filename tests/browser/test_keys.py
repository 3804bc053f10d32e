"""Keys on other keyboards than the usual one, and whom a skip goes to."""

from typing import Any

import pytest
from playwright.async_api import Page, expect

from tests.browser.conftest import Enter, shown
from tests.browser.desk import has, press, rows
from tests.harness import wait_until
from tests.harness.desk import Desk, entry

pytestmark = pytest.mark.asyncio(loop_scope="session")

STRIKE = """(key) => document.body.dispatchEvent(
    new KeyboardEvent("keydown", { bubbles: true, cancelable: true, ...key }))"""


async def strike(page: Page, **key: Any) -> None:
    """Press a key of a keyboard that is not at hand."""
    await page.evaluate(STRIKE, key)


async def begin(page: Page) -> str:
    await expect(page.locator(".task")).to_be_visible()
    return await shown(page)


async def test_digits_of_any_keyboard_and_letters_with_caps_lock(desk: Desk, enter: Enter) -> None:
    await desk.put_project(instructions="")
    await desk.post(*(entry(f"item-{number}") for number in range(4)))
    async with enter("anna") as (page, _):
        first = await begin(page)
        # Where "/" is on the 7, say, shifted digits are other signs.
        await strike(page, key="!", code="Digit1", shiftKey=True)
        await strike(page, key="End", code="Numpad1")
        await expect(page.locator(".task .item-id bdi")).to_have_text(first)
        await strike(page, key="&", code="Digit1")
        await expect(page.locator(".task .item-id bdi")).not_to_have_text(first)
        second = await shown(page)
        await strike(page, key="2", code="Digit2", shiftKey=True)
        await expect(page.locator(".task .item-id bdi")).not_to_have_text(second)
        await wait_until(lambda: has(desk, {first: "negative", second: "positive"}))
        await strike(page, key="S", code="KeyS")
        await expect(page.get_by_role("dialog")).to_be_visible()


async def test_skip_goes_to_whom_one_says(desk: Desk, enter: Enter) -> None:
    await desk.put_project(instructions="")
    await desk.post(*(entry(f"item-{number}") for number in range(2)))
    async with enter("anna") as (page, _):
        first = await begin(page)
        await page.keyboard.press("s")
        await expect(page.get_by_role("radio", name="others")).to_be_checked()
        await page.keyboard.press("a")
        await expect(page.get_by_role("radio", name="an adjudicator")).to_be_checked()
        await press(page, "1")
        await wait_until(lambda: _waits(desk, first))
        await page.keyboard.press("s")
        await expect(page.get_by_role("radio", name="others")).to_be_checked()
        await page.keyboard.press("m")
        await page.keyboard.press("1")
        # It comes again.
        await expect(page.locator(".task .item-id bdi")).to_have_text("item-1")
        await page.keyboard.press("2")
        await wait_until(lambda: has(desk, {"item-1": "positive"}))


async def _waits(desk: Desk, item: str) -> bool:
    found = await rows(desk, adjudication="true")
    return [row["item_id"] for row in found] == [item]
