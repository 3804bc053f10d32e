import pytest
from playwright.async_api import Locator, expect

from tests.browser.conftest import Enter, read_instructions, shown
from tests.browser.desk import comments, has, holds, labels, press
from tests.harness import wait_until
from tests.harness.browser import DESKTOP, PHONE
from tests.harness.desk import Desk, entry

pytestmark = pytest.mark.asyncio(loop_scope="session")


@pytest.mark.parametrize(
    ("at_first", "items"), [(2, 8), pytest.param(12, 30, marks=pytest.mark.thorough)]
)
async def test_items_are_answered_by_keyboard_with_a_lost_connection(
    desk: Desk, enter: Enter, sqlite_url: str, at_first: int, items: int
) -> None:
    await desk.put_project()
    receipts = await desk.post(*(entry(f"item-{number:02}") for number in range(40)))
    by_item = {receipt["item_id"]: receipt["task_id"] for receipt in receipts}
    given: dict[str, str] = {}
    async with enter("anna") as (page, watched):
        await read_instructions(page)

        async def answer(key: str) -> str:
            item = await press(page, key)
            given[item] = {"1": "negative", "2": "positive"}[key]
            return item

        async def was_skipped(item: str) -> bool:
            return (await desk.kinds(by_item[item]))[-1] == "skipped"

        for number in range(at_first):
            await answer("12"[number % 2])

        # A comment goes with the answer that follows it.
        await page.keyboard.press("c")
        await page.keyboard.type("s is no skip here, nor 1 a label")
        await page.keyboard.press("Escape")
        commented = await answer("2")

        # Undo: the item comes back at once, and is answered otherwise.
        wrong = await answer("1")
        # Until it has arrived there is nothing to undo: the page would only not send it.
        await wait_until(lambda: has(desk, given))
        await page.keyboard.press("u")
        await expect(page.locator(".task .item-id bdi")).to_have_text(wrong)
        assert await answer("2") == wrong

        await page.keyboard.press("s")
        await expect(page.get_by_role("dialog")).to_be_visible()
        await page.keyboard.press("1")
        skipped = await press(page, "Enter")

        # Without a connection the next item is there all the same; answers are kept.
        await wait_until(lambda: was_skipped(skipped))
        await wait_until(lambda: holds(desk, 2))
        await watched.context.set_offline(True)
        await answer("1")
        kept = await shown(page)
        await page.keyboard.press("2")
        given[kept] = "positive"
        await expect(page.locator("#unsent")).to_contain_text("2 answers are not sent yet")
        assert set(given) - set(await labels(desk))
        await watched.context.set_offline(False)
        await expect(page.locator("#unsent")).to_be_hidden()
        await expect(page.locator(".task")).to_be_visible()

        while len(given) < items:
            await answer("12"[len(given) % 2])
        await wait_until(lambda: has(desk, given))
        await expect(page.locator("#today")).to_have_text(f"{items}")
        await expect(page.locator("#skips")).to_have_text("1")
        # It can only give back what has arrived: what comes after it has closed, the console does.
        await wait_until(lambda: holds(desk, 2))
        await page.goto("about:blank")

    assert await labels(desk) == given
    for item in given:
        kinds = await desk.kinds(by_item[item])
        assert kinds.count("verdict") == (2 if item == wrong else 1)
    assert "undone" in await desk.kinds(by_item[wrong])
    timeline = (await desk.task(by_item[skipped]))["timeline"]
    assert [line["detail"] for line in timeline if line["kind"] == "skipped"] == [
        {"reason": "unclear"}
    ]
    feed = await desk.outcomes()
    assert sum(row["label"] is not None for row in feed["outcomes"]) == items + 1
    assert await comments(sqlite_url) == {by_item[commented]: "s is no skip here, nor 1 a label"}
    # What was held ahead was given back when the page closed.
    await wait_until(lambda: holds(desk, 0))


@pytest.mark.parametrize(
    "is_phone",
    [False, pytest.param(True, marks=pytest.mark.thorough)],
    ids=["mouse", "finger"],
)
async def test_items_are_answered_taken_back_and_skipped_without_a_key(
    desk: Desk, enter: Enter, is_phone: bool
) -> None:
    await desk.put_project()
    await desk.post(*(entry(f"item-{number}") for number in range(4)))
    view = {"viewport": PHONE, "is_mobile": True, "has_touch": True}
    async with enter("anna", **(view if is_phone else {"viewport": DESKTOP})) as (page, _):

        async def use(button: Locator) -> None:
            await (button.tap() if is_phone else button.click())

        async def answer(name: str) -> str:
            item = await shown(page)
            await use(page.get_by_role("button", name=name, exact=True))
            await expect(page.locator(".task .item-id bdi")).not_to_have_text(item)
            return item

        await read_instructions(page)
        first = await answer("positive")
        wrong = await answer("negative")
        await wait_until(lambda: has(desk, {first: "positive", wrong: "negative"}))
        await use(page.get_by_role("button", name="Undo"))
        await expect(page.locator(".task .item-id bdi")).to_have_text(wrong)
        assert await answer("positive") == wrong
        await use(page.get_by_role("button", name="Skip"))
        await use(page.get_by_role("button", name="unclear"))
        await expect(page.locator("#skips")).to_have_text("1")
        await expect(page.locator("#today")).to_have_text("2")
        await wait_until(lambda: has(desk, {first: "positive", wrong: "positive"}))
