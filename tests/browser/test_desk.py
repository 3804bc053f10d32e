from datetime import datetime, timedelta

import pytest
from playwright.async_api import expect

from tests.browser.conftest import Enter, read_instructions, shown
from tests.browser.desk import active_seconds, has, holds, press, rows
from tests.harness import wait_until
from tests.harness.desk import Desk, body_of, entry

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_active_time_leaves_out_idleness_and_hidden_pages(
    desk: Desk, enter: Enter, sqlite_url: str
) -> None:
    await desk.put_project(instructions="")
    await desk.post(*(entry(f"item-{number}") for number in range(4)))
    async with enter("anna", own_clock=True) as (page, watched):
        await expect(page.locator(".task")).to_be_visible()
        await watched.context.clock.run_for(5_000)
        await press(page, "1")
        # Ten minutes without input count as one.
        await watched.context.clock.fast_forward(600_000)
        await press(page, "1")
        await watched.context.clock.run_for(2_000)
        await page.evaluate(HIDE, True)
        await watched.context.clock.fast_forward(30_000)
        await page.evaluate(HIDE, False)
        await watched.context.clock.run_for(1_000)
        await page.keyboard.press("1")
        await wait_until(lambda: _count(sqlite_url, 3))
    first, second, third = await active_seconds(sqlite_url)
    assert first is not None
    assert second is not None
    assert third is not None
    assert 5 <= first < 30
    assert 60 <= second < 85
    assert 3 <= third < 28


HIDE = """hidden => {
  Object.defineProperty(document, "hidden", { value: hidden, configurable: true });
  document.dispatchEvent(new Event("visibilitychange"));
}"""


async def _count(database_url: str, count: int) -> bool:
    return len(await active_seconds(database_url)) == count


@pytest.mark.thorough
async def test_leases_are_renewed_while_somebody_works_and_not_for_ever(
    desk: Desk, enter: Enter
) -> None:
    await desk.put_project(instructions="")
    await desk.post(entry("a"), entry("b"))
    async with enter("anna", own_clock=True) as (page, watched):
        await wait_until(lambda: holds(desk, 2))
        desk.clock.advance(50)
        async with page.expect_response("**/renew") as renewed:
            await watched.context.clock.run_for(31_000)
        assert (await renewed.value).ok
        await wait_until(lambda: _expires_in(desk, 60))
        desk.clock.advance(50)
        assert await holds(desk, 2)
        # Nobody does anything for long: the items go back to the queue.
        renewals: list[str] = []
        page.on("request", lambda request: renewals.append(request.url))
        await watched.context.clock.fast_forward(700_000)
        await watched.context.clock.run_for(5_000)
        assert not [url for url in renewals if url.endswith("/renew")]


async def _expires_in(desk: Desk, seconds: float) -> bool:
    body = (await desk.operator.get("/v1/projects/shop/tasks")).json()
    details = [await desk.task(row["task_id"]) for row in body["tasks"]]
    moments = {datetime.fromisoformat(task["lease_expires_at"]) for task in details}
    return all(
        abs(moment - desk.clock() - timedelta(seconds=seconds)) < timedelta(seconds=1)
        for moment in moments
    )


async def test_item_whose_time_ran_out_is_taken_away(desk: Desk, enter: Enter) -> None:
    await desk.put_project(instructions="", review={"lease_seconds": 2})
    await desk.post(entry("a"), entry("b"), entry("c"))
    async with enter("anna") as (page, watched):
        watched.expected = "status of 409"
        await wait_until(lambda: holds(desk, 2))
        desk.clock.advance(3)
        await expect(page.locator("#notice")).to_contain_text("ran out")
        await expect(page.locator(".task")).to_be_visible()


async def test_many_labels_have_a_filter(desk: Desk, enter: Enter) -> None:
    names = [f"label {number}" for number in range(1, 13)]
    await desk.put_project(labels=names, instructions="")
    await desk.post(*(entry(f"item-{number}") for number in range(4)))
    async with enter("anna") as (page, _):
        await expect(page.locator(".task")).to_be_visible()
        given = {await press(page, "9"): "label 9"}
        item = await shown(page)
        await page.keyboard.press("/")
        await page.keyboard.type("12")
        await expect(page.locator("button.label:visible")).to_have_count(1)
        await page.keyboard.press("Enter")
        given[item] = "label 12"
        await expect(page.locator("button.label:visible")).to_have_count(12)
        await expect(page.locator(".task")).to_be_focused()
        item = await shown(page)
        await page.keyboard.press("/")
        await page.keyboard.type("LABEL 1")
        await page.keyboard.press("Escape")
        # The keys are those of the labels that are shown: 1, 10, 11, 12.
        await page.keyboard.press("3")
        given[item] = "label 11"
        await wait_until(lambda: has(desk, given))


async def test_changed_instructions_are_read_before_the_next_item(desk: Desk, enter: Enter) -> None:
    await desk.put_project()
    await desk.post(*(entry(f"item-{number}") for number in range(9)))
    async with enter("anna") as (page, watched):
        # The page learns of the change by a refusal.
        watched.expected = "status of 409"
        await read_instructions(page)
        await page.keyboard.press("i")
        await expect(page.get_by_role("dialog")).to_contain_text("Read the whole review.")
        await page.keyboard.press("Escape")
        await wait_until(lambda: holds(desk, 2))
        await desk.put_project(instructions="Now read it **twice**.")
        given = {await press(page, "1"): "negative"}
        given[await shown(page)] = "positive"
        await page.keyboard.press("2")
        await expect(page.locator("#first strong")).to_have_text("twice")
        await expect(page.locator("#work")).to_be_hidden()
        await read_instructions(page)
        await wait_until(lambda: has(desk, given))


@pytest.mark.thorough
async def test_an_item_that_is_erased_while_it_is_shown_gives_way_to_the_next(
    desk: Desk, enter: Enter
) -> None:
    await desk.put_project(instructions="")
    await desk.post(*(entry(f"item-{number}") for number in range(4)))
    async with enter("anna") as (page, watched):
        watched.expected = "status of 409"
        await wait_until(lambda: holds(desk, 2))
        # The one that is shown, and the one that has been fetched to come next.
        for row in await rows(desk, state="leased"):
            path = f"/v1/projects/shop/items/{row['item_id']}"
            body_of(await desk.operator.delete(path))
        gone = [await press(page, "1"), await press(page, "1")]
        given = {await press(page, "2"): "positive"}
        given[await shown(page)] = "positive"
        await page.keyboard.press("2")
        await wait_until(lambda: has(desk, given))
        assert not given.keys() & set(gone)
