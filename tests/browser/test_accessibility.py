"""No view has a serious barrier, in light and dark, on a desktop and on a phone."""

from typing import Any

import pytest
from playwright.async_api import Page, expect

from tests.browser.conftest import Enter, link_of, read_instructions, shown, sign_in
from tests.browser.pictures import PROJECT, item
from tests.harness.browser import DESKTOP, PHONE, barriers
from tests.harness.desk import Desk, entry

pytestmark = pytest.mark.asyncio(loop_scope="session")

VIEWS = [
    {"viewport": DESKTOP, "color_scheme": "light"},
    {"viewport": PHONE, "color_scheme": "dark", "is_mobile": True, "has_touch": True},
]


@pytest.mark.parametrize(
    "options",
    [VIEWS[0], pytest.param(VIEWS[1], marks=pytest.mark.thorough)],
    ids=["desktop", "phone"],
)
async def test_no_view_of_reviewers_has_barriers(
    desk: Desk, enter: Enter, options: dict[str, Any]
) -> None:
    await desk.put_project(**PROJECT)
    long = "Fine, thank you very much for everything that you did."
    await desk.post(item(0, long), item(1, long))
    async with enter("anna", **options) as (page, _):

        async def check() -> None:
            assert await barriers(page) == []
            wide = "document.documentElement.scrollWidth - innerWidth"
            assert await page.evaluate(wide) <= 0

        await check()
        await read_instructions(page)
        await check()
        await page.get_by_role("button", name="Comment").click()
        await check()
        await page.keyboard.press("Escape")
        for name in ("Skip", "Instructions", "Feedback"):
            await page.get_by_role("button", name=name).click()
            await expect(page.get_by_role("dialog")).to_be_visible()
            await check()
            await page.keyboard.press("Escape")
        await page.keyboard.press("?")
        await check()
        await page.keyboard.press("Escape")
        await page.keyboard.press("3")
        await expect(page.get_by_role("region", name="Your last answers")).to_be_visible()
        await check()
        await page.keyboard.press("3")
        await expect(page.locator(".empty")).to_contain_text("Nothing is waiting")
        await check()
        await page.goto("/review/shop/me")
        # The page says when today began, and is loaded anew.
        await page.wait_for_url("**/me?since=*")
        await expect(page.get_by_role("meter")).to_be_visible()
        await check()
        await page.goto("/review/shop/feedback")
        await page.get_by_text("Say something").click()
        await page.get_by_label("What you have to say").fill("wo" * 100)
        await check()
        await page.get_by_role("button", name="Send").click()
        await expect(page.get_by_role("article")).to_be_visible()
        await check()


@pytest.mark.thorough
@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_no_other_view_has_barriers(desk: Desk, operator_page: Page, scheme: Any) -> None:
    page = operator_page
    await page.emulate_media(color_scheme=scheme)
    await desk.put_project(**PROJECT)
    await page.goto(await link_of(desk, "anna"))
    assert await barriers(page) == []
    await page.goto("/enter?code=none")
    await expect(page.get_by_text("used before")).to_be_visible()
    assert await barriers(page) == []
    await page.goto("/sign-in")
    await page.get_by_label("Token").fill("nonsense")
    await page.get_by_role("button", name="Sign in").click()
    await expect(page.get_by_role("alert")).to_be_visible()
    assert await barriers(page) == []
    await desk.post(item(1, "?"))
    (lease,) = await desk.lease("boris")
    await desk.use("boris", lease["token"], "skip", {"reason": "unclear"})
    await sign_in(page, desk)
    await page.goto("/review/shop/adjudicate")
    await expect(page.locator(".matter")).to_be_visible()
    assert await barriers(page) == []
    remark = {"about": "instructions", "text": "what is mixed?"}
    await desk.reviewer("boris").post("/v1/projects/shop/feedback", json=remark)
    await page.goto("/review/shop/feedback")
    await expect(page.get_by_label("Answer")).to_be_visible()
    assert await barriers(page) == []
    await desk.put_project("other")
    await page.goto("/review")
    await expect(page.locator(".projects a")).to_have_count(2)
    assert await barriers(page) == []


async def test_keyboard_reaches_everything_and_focus_follows_the_item(
    desk: Desk, enter: Enter
) -> None:
    await desk.put_project()
    await desk.post(*(entry(f"item-{number}") for number in range(5)))
    async with enter("anna") as (page, _):

        async def focused() -> str:
            return str(
                await page.evaluate(
                    "document.activeElement.ariaLabel ?? document.activeElement.innerText"
                )
            )

        await page.get_by_role("button", name="I have read it").focus()
        await page.keyboard.press("Enter")
        await expect(page.locator(".task")).to_be_focused()
        first = await shown(page)
        assert await focused() == f"Item {first}"
        # By Tab alone, without one of the single keys.
        await page.keyboard.press("Tab")
        assert "negative" in await focused()
        await page.keyboard.press("Tab")
        await page.keyboard.press("Enter")
        await expect(page.locator("#announcer")).to_have_text("Answered positive. Next item.")
        await expect(page.locator(".task .item-id bdi")).not_to_have_text(first)
        await expect(page.locator(".task")).to_be_focused()
        # A dialog keeps the focus, and gives it back.
        await page.keyboard.press("s")
        assert await page.evaluate("document.activeElement.id") == "reason"
        await page.keyboard.press("Escape")
        await expect(page.locator(".task")).to_be_focused()
        # Whoever speaks to the machine can turn the single keys off.
        await page.keyboard.press("?")
        await page.get_by_label("Single keys answer").uncheck()
        await page.keyboard.press("Escape")
        second = await shown(page)
        await page.keyboard.press("1")
        assert await shown(page) == second
        await page.get_by_role("button", name="negative").click()
        await expect(page.locator(".task .item-id bdi")).not_to_have_text(second)
