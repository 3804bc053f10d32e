from datetime import datetime, timedelta

import pytest
from playwright.async_api import expect

from tests.browser.conftest import Enter, read_instructions, shown
from tests.browser.desk import active_seconds, has, holds, press, rows
from tests.browser.test_untrusted import PIXEL
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
        await watched.context.clock.fast_forward(600_000)
        await page.evaluate(HIDE, False)
        await watched.context.clock.run_for(1_000)
        await page.keyboard.press("1")
        await wait_until(lambda: _count(sqlite_url, 3))
    first, second, third = await active_seconds(sqlite_url)
    assert first is not None
    assert second is not None
    assert third is not None
    # Above the least there is what the machine took.
    assert 5 <= first < 60
    assert 60 <= second < 600
    assert 3 <= third < 60


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
        await expect(page.locator(".task")).to_be_visible()
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


@pytest.mark.thorough
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
    names = [f"label_{number}" for number in range(1, 13)]
    await desk.put_project(labels=names, instructions="")
    await desk.post(*(entry(f"item-{number}") for number in range(4)))
    async with enter("anna") as (page, _):
        await expect(page.locator(".task")).to_be_visible()
        given = {await press(page, "9"): "label_9"}
        item = await shown(page)
        await page.keyboard.press("/")
        await page.keyboard.type("12")
        await expect(page.locator("button.label:visible")).to_have_count(1)
        await page.keyboard.press("Enter")
        given[item] = "label_12"
        await expect(page.locator("button.label:visible")).to_have_count(12)
        await expect(page.locator(".task")).to_be_focused()
        item = await shown(page)
        await page.keyboard.press("/")
        await page.keyboard.type("2 LAB")
        await expect(page.locator("button.label:visible")).to_have_count(2)
        await page.keyboard.press("Escape")
        # All are shown again, with their keys.
        await expect(page.locator("button.label:visible")).to_have_count(12)
        await page.keyboard.press("3")
        given[item] = "label_3"
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


async def test_an_earlier_answer_is_changed_from_the_strip(desk: Desk, enter: Enter) -> None:
    await desk.put_project(instructions="", review={"max_overlap": 1})
    await desk.post(*(entry(f"item-{number}") for number in range(9)))
    async with enter("anna") as (page, _):
        await expect(page.locator(".task")).to_be_visible()
        given = {
            await press(page, key): "negative" if key == "1" else "positive" for key in "1212121"
        }
        await wait_until(lambda: has(desk, given))
        strip = page.get_by_role("region", name="Your last answers").get_by_role("button")
        await expect(strip).to_have_count(5)
        await expect(strip.first).to_have_text("negative text of " + list(given)[-1])
        item = list(given)[-2]
        await strip.nth(1).click()
        await expect(page.locator(".task .item-id bdi")).to_have_text(item)
        button = page.get_by_role("button", name="positive").filter(has=page.locator(".mark"))
        await expect(button.locator(".mark")).to_have_text("your answer before")
        assert await press(page, "1") == item
        given[item] = "negative"
        await wait_until(lambda: has(desk, given))
        await expect(strip.first).to_have_text("negative text of " + item)


async def test_goal_of_the_day_is_kept_on_the_device(desk: Desk, enter: Enter) -> None:
    await desk.put_project(instructions="")
    await desk.post(*(entry(f"item-{number}") for number in range(3)))
    async with enter("anna") as (page, _):
        await press(page, "1")
        await page.keyboard.press("?")
        await page.get_by_label("Your goal of answers a day").fill("4")
        await page.keyboard.press("Escape")
        towards = page.get_by_role("progressbar", name="Towards your goal of today")
        await expect(towards).to_have_attribute("max", "4")
        await expect(towards).to_have_attribute("value", "1")
        await page.reload()
        await expect(towards).to_have_attribute("value", "1")


async def test_a_long_letter_leaves_its_photo_in_sight_and_z_opens_it(
    desk: Desk, enter: Enter
) -> None:
    fields = {"text": {"type": "text"}, "photo": {"type": "image"}, "price": {"type": "number"}}
    await desk.put_project(instructions="", fields=fields)
    data = {"text": "A long letter. " * 400, "photo": PIXEL, "price": 0.1 + 0.2}
    await desk.post({"item_id": "letter", "data": data})
    async with enter("anna") as (page, _):
        photo = page.locator(".task .picture")
        await expect(photo).to_be_in_viewport()
        await expect(page.locator(".field.number .value")).to_have_text("0.3")
        await page.keyboard.press("z")
        await expect(page.get_by_role("dialog").get_by_role("img")).to_be_visible()
        await page.keyboard.press("Escape")
        await photo.click()
        await expect(page.get_by_role("dialog")).to_be_visible()
