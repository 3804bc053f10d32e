"""Keys on other keyboards than the usual one, and whom a skip goes to."""

from itertools import count
from typing import Any

import pytest
from playwright.async_api import Page, expect

from services.review_queue.lifecycle.draws import LeaseDraws
from shared.contracts.base import rfc3339, task_id_for
from shared.contracts.review_settings import ReviewSettings
from tests.browser.conftest import Enter, shown
from tests.browser.desk import has, press, rows
from tests.harness import wait_until
from tests.harness.desk import SHOWING, Desk, entry

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
        await page.keyboard.press("ArrowUp")
        await expect(page.get_by_role("radio", name="an adjudicator")).to_be_checked()
        await page.keyboard.press("1")
        await press(page, "Enter")
        await wait_until(lambda: _waits(desk, first))
        await page.keyboard.press("s")
        await expect(page.get_by_role("radio", name="others")).to_be_checked()
        await page.keyboard.press("ArrowDown")
        await page.keyboard.press("Enter")
        # It comes again.
        await expect(page.locator(".task .item-id bdi")).to_have_text("item-1")
        await page.keyboard.press("2")
        await wait_until(lambda: has(desk, {"item-1": "positive"}))


async def test_typing_in_the_skip_dialog_writes_the_reason_alone(desk: Desk, enter: Enter) -> None:
    await desk.put_project(instructions="")
    receipt, _ = await desk.post(entry("item-0", due_at=rfc3339(desk.clock())), entry("item-1"))
    async with enter("anna") as (page, _):
        first = await begin(page)
        await page.keyboard.press("s")
        await page.keyboard.type("not sure, 2 of us: a cat or a dog")
        await expect(page.get_by_role("dialog")).to_be_visible()
        assert await shown(page) == first
        await press(page, "Enter")

        async def reasons() -> list[str]:
            timeline = (await desk.task(receipt["task_id"]))["timeline"]
            return [line["detail"]["reason"] for line in timeline if line["kind"] == "skipped"]

        await wait_until(reasons)
        assert await reasons() == ["not sure, 2 of us: a cat or a dog"]


async def test_suggestion_is_marked_and_enter_confirms_it(desk: Desk, enter: Enter) -> None:
    await desk.put_project(instructions="", review={"blind": False})
    # Some tasks show no suggestion, by the secret of the installation.
    draws = LeaseDraws(SHOWING.get_secret_value())
    review = ReviewSettings(blind=False)
    names = (f"item-{number}" for number in count())
    item = next(
        one for one in names if draws.shows_suggestion(task_id_for(desk.project, one), review)
    )
    suggested = {"label": "positive", "confidence": 0.87, "model_version": "v1"}
    await desk.post(
        entry(item, prediction=suggested, due_at=rfc3339(desk.clock())), entry("another")
    )
    async with enter("anna") as (page, _):
        assert await begin(page) == item
        button = page.get_by_role("button", name="positive")
        await expect(button.locator(".mark")).to_have_text("model: 87 %")
        await press(page, "Enter")
        await wait_until(lambda: has(desk, {item: "positive"}))
        # Nothing is suggested of the next: Enter does nothing.
        await expect(page.locator("button.suggested")).to_have_count(0)
        await page.keyboard.press("Enter")
        await page.keyboard.press("1")
        await wait_until(lambda: has(desk, {item: "positive", "another": "negative"}))


async def test_enter_goes_on_from_welcome_and_instructions(desk: Desk, enter: Enter) -> None:
    await desk.put_project()
    await desk.post(entry("item-0"))
    async with enter("anna", by_enter=True) as (page, _):
        await page.keyboard.press("Enter")
        await expect(page.locator(".task")).to_be_visible()


async def _waits(desk: Desk, item: str) -> bool:
    found = await rows(desk, adjudication="true")
    return [row["item_id"] for row in found] == [item]
