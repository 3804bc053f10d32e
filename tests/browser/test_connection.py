"""Answers outlast what happens to connections, pages, sessions and leases."""

import asyncio

import pytest
from playwright.async_api import Page, Route, expect

from tests.browser.conftest import Enter, link_of, read_instructions, shown
from tests.browser.desk import has, holds, labels, press, verdicts
from tests.harness import wait_until
from tests.harness.browser import Watched
from tests.harness.desk import Desk, body_of, entry

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def begin(desk: Desk, count: int = 6) -> None:
    await desk.put_project()
    await desk.post(*(entry(f"item-{number}") for number in range(count)))


async def test_answer_costs_no_wait(desk: Desk, enter: Enter) -> None:
    await begin(desk)
    async with enter("anna") as (page, watched):
        await read_instructions(page)
        await wait_until(lambda: holds(desk, 2))
        released = asyncio.Event()

        async def hold(route: Route) -> None:
            await released.wait()
            await route.continue_()

        await watched.context.route("**/leases/**", hold)
        await watched.context.route("**/review/shop/tasks", hold)
        # Nothing is answered by the server, and yet the next item is there.
        item = await press(page, "1")
        assert await labels(desk) == {}
        released.set()
        await wait_until(lambda: has(desk, {item: "negative"}))


async def lose_replies(watched: Watched, pattern: str, count: int) -> list[str]:
    """Let the server take the next calls, and their replies be lost; return which they were."""
    lost: list[str] = []

    async def lose(route: Route) -> None:
        if len(lost) < count:
            await route.fetch()
            lost.append(route.request.url)
            await route.abort("internetdisconnected")
        else:
            await route.continue_()

    await watched.context.route(pattern, lose)
    return lost


async def test_answer_whose_reply_was_lost_is_sent_again_and_counts_once(
    desk: Desk, enter: Enter, sqlite_url: str
) -> None:
    await begin(desk)
    async with enter("anna") as (page, watched):
        await read_instructions(page)
        lost = await lose_replies(watched, "**/verdict", 2)
        item = await press(page, "2")
        await expect(page.locator("#unsent")).to_contain_text("1 answer is not sent yet")
        await expect(page.locator("#unsent")).to_be_hidden()
        assert len(lost) == 2
        assert await labels(desk) == {item: "positive"}
        assert len(await verdicts(sqlite_url)) == 1


@pytest.mark.thorough
async def test_undo_whose_reply_was_lost_brings_the_item_back(desk: Desk, enter: Enter) -> None:
    await begin(desk)
    async with enter("anna") as (page, watched):
        await read_instructions(page)
        item = await press(page, "1")
        await wait_until(lambda: has(desk, {item: "negative"}))
        lost = await lose_replies(watched, "**/undo", 1)
        await page.keyboard.press("u")
        # The page had given up waiting by then, and shows another item.
        await expect(page.locator("#notice")).to_contain_text("its item is next")
        assert len(lost) == 1
        other = await press(page, "1")
        assert await press(page, "2") == item
        await wait_until(lambda: has(desk, {other: "negative", item: "positive"}))


@pytest.mark.thorough
async def test_answers_of_a_closed_page_are_sent_by_the_next(desk: Desk, enter: Enter) -> None:
    await begin(desk)
    async with enter("anna") as (page, watched):
        await read_instructions(page)
        await wait_until(lambda: holds(desk, 2))
        await watched.context.set_offline(True)
        given = {await press(page, "1"): "negative"}
        given[await shown(page)] = "positive"
        await page.keyboard.press("2")
        await expect(page.locator("#unsent")).to_be_visible()
        await page.close()
        assert await labels(desk) == {}
        await watched.context.set_offline(False)
        again = await watched.context.new_page()
        await again.goto("/review/shop")
        await expect(again.locator(".task")).to_be_visible()
        await wait_until(lambda: has(desk, given))


@pytest.mark.thorough
async def test_answers_outlast_a_session_and_reach_nobody_elses(desk: Desk, enter: Enter) -> None:
    await begin(desk)
    async with enter("anna") as (page, watched):
        # Pages that close give their leases back, under whichever session there is by then.
        watched.expected = "the server responded with a status of 4"
        await read_instructions(page)
        await wait_until(lambda: holds(desk, 2))
        cookies = await watched.context.cookies()
        await watched.context.clear_cookies()
        given = {await press_once(page, "1"): "negative"}
        await expect(page.get_by_text("Your session has ended")).to_be_visible()
        assert await labels(desk) == {}
        await page.goto(await link_of(desk, "boris"))
        await page.get_by_role("button", name="Start").click()
        await read_instructions(page)
        other = await press(page, "2")
        assert other not in given
        await wait_until(lambda: has(desk, {other: "positive"}))
        (session,) = (one for one in cookies if one["name"] == "surehand_console")
        kept = {"name": session["name"], "value": session["value"], "url": watched.base_url}
        await watched.context.add_cookies([kept])  # type: ignore[list-item]
        await page.goto("/review/shop")
        await expect(page.locator(".who")).to_have_text("anna")
        await wait_until(lambda: has(desk, {other: "positive", **given}))


async def press_once(page: Page, key: str) -> str:
    item = await shown(page)
    await page.keyboard.press(key)
    return item


async def too_late(desk: Desk, page: Page, watched: Watched, key: str) -> str:
    """Answer what is shown without a connection, and let its lease expire meanwhile."""
    watched.expected = "Failed to load resource"
    await watched.context.set_offline(True)
    item = await press_once(page, key)
    await expect(page.locator("#unsent")).to_be_visible()
    desk.clock.advance(61)
    return item


@pytest.mark.thorough
async def test_answer_that_came_too_late_counts_under_the_next_lease(
    desk: Desk, enter: Enter, sqlite_url: str
) -> None:
    await begin(desk, 2)
    async with enter("anna") as (page, watched):
        await read_instructions(page)
        await wait_until(lambda: holds(desk, 2))
        item = await too_late(desk, page, watched, "2")
        await watched.context.set_offline(False)
        await wait_until(lambda: has(desk, {item: "positive"}))
        other = await press_once(page, "1")
        await wait_until(lambda: has(desk, {item: "positive", other: "negative"}))
        # It can be taken back as any answer can.
        await page.keyboard.press("u")
        await expect(page.locator(".task .item-id bdi")).to_have_text(other)
        await expect(page.get_by_role("button", name="Undo")).to_be_enabled()
        await page.keyboard.press("u")
        await expect(page.locator(".task .item-id bdi")).to_have_text(item)
        await press(page, "1")
        await page.keyboard.press("1")
        await wait_until(lambda: has(desk, {item: "negative", other: "negative"}))
    assert len(await verdicts(sqlite_url)) == 2


@pytest.mark.thorough
async def test_late_skip_to_oneself_is_sent_and_leaves_nothing_to_take_back(
    desk: Desk, enter: Enter
) -> None:
    await begin(desk, 2)
    async with enter("anna") as (page, watched):
        await read_instructions(page)
        await wait_until(lambda: holds(desk, 2))
        await page.keyboard.press("s")
        await page.keyboard.press("ArrowDown")
        await too_late(desk, page, watched, "Enter")
        await watched.context.set_offline(False)
        await expect(page.locator("#notice")).to_contain_text("your skip is sent now")

        async def sent() -> bool:
            return await kept_on_the_device(page) == 0

        await wait_until(sent)
        await expect(page.get_by_role("button", name="Undo")).to_be_disabled()
        await page.keyboard.press("u")
        # Nothing is asked of the server, and nothing refused.
        assert await sent()
        await expect(page.locator("#notice")).to_contain_text("your skip is sent now")


@pytest.mark.thorough
async def test_late_answer_waits_while_somebody_else_has_the_item(desk: Desk, enter: Enter) -> None:
    await begin(desk, 1)
    async with enter("anna") as (page, watched):
        await read_instructions(page)
        await wait_until(lambda: holds(desk, 1))
        item = await too_late(desk, page, watched, "2")
        theirs = await desk.lease_one("boris")
        await watched.context.set_offline(False)
        await expect(page.locator("#notice")).to_contain_text("It is kept on this device")
        await page.reload()
        await expect(page.locator(".empty")).to_be_visible()
        body_of(await desk.use("boris", theirs["token"], "release"))
        await wait_until(lambda: has(desk, {item: "positive"}))
        await expect(page.locator("#notice")).to_contain_text("your verdict is sent now")


@pytest.mark.thorough
async def test_late_answer_is_dropped_where_others_have_finished_the_item(
    desk: Desk, enter: Enter
) -> None:
    await begin(desk, 1)
    async with enter("anna") as (page, watched):
        await read_instructions(page)
        await wait_until(lambda: holds(desk, 1))
        item = await too_late(desk, page, watched, "2")
        await desk.answer("boris", "negative")
        await watched.context.set_offline(False)
        await expect(page.locator("#notice")).to_have_text(
            f"Item {item}: the verdict was not taken. It was finished meanwhile."
        )
        assert await labels(desk) == {item: "negative"}
        assert await kept_on_the_device(page) == 0


@pytest.mark.thorough
async def test_late_answer_to_what_has_changed_is_asked_again(desk: Desk, enter: Enter) -> None:
    await begin(desk, 1)
    async with enter("anna") as (page, watched):
        await read_instructions(page)
        await wait_until(lambda: holds(desk, 1))
        item = await too_late(desk, page, watched, "2")
        theirs = await desk.lease_one("boris")
        await watched.context.set_offline(False)
        await expect(page.locator("#notice")).to_contain_text("It is kept on this device")
        await desk.put_project(labels=["negative", "neutral", "positive"])
        body_of(await desk.use("boris", theirs["token"], "release"))
        await expect(page.locator("#notice")).to_contain_text("You answered positive, too late")
        assert await labels(desk) == {}
        await page.keyboard.press("1")
        await wait_until(lambda: has(desk, {item: "negative"}))
        assert await kept_on_the_device(page) == 0


@pytest.mark.thorough
async def test_late_answer_can_be_taken_back_and_is_not_kept_for_ever(
    desk: Desk, enter: Enter
) -> None:
    await begin(desk, 2)
    async with enter("anna", own_clock=True) as (page, watched):
        await read_instructions(page)
        await wait_until(lambda: holds(desk, 2))
        first = await too_late(desk, page, watched, "1")
        second = await press_once(page, "1")
        theirs = await desk.lease("boris", 2)
        assert {one["task"]["item_id"] for one in theirs} == {first, second}
        await watched.context.set_offline(False)
        await watched.context.clock.run_for(10_000)
        await expect(page.locator("#notice")).to_contain_text(f"Item {second}: its time ran out")
        assert await kept_on_the_device(page) == 2
        await page.keyboard.press("u")
        await expect(page.locator("#notice")).to_contain_text("The answer was taken back")
        assert await kept_on_the_device(page) == 1
        await watched.context.clock.fast_forward(86_500_000)
        await page.reload()
        await expect(page.locator("#notice")).to_contain_text("within a day")
        assert await kept_on_the_device(page) == 0
    assert await labels(desk) == {}


async def kept_on_the_device(page: Page) -> int:
    return int(
        await page.evaluate(
            "Object.keys(localStorage).filter((key) => key.startsWith('surehand:answer')).length"
        )
    )


@pytest.mark.thorough
async def test_undo_of_what_was_not_sent_and_of_what_was(
    desk: Desk, enter: Enter, sqlite_url: str
) -> None:
    await begin(desk)
    async with enter("anna") as (page, watched):
        await read_instructions(page)
        sent = await press(page, "1")
        await wait_until(lambda: has(desk, {sent: "negative"}))
        await wait_until(lambda: holds(desk, 2))
        await watched.context.set_offline(True)
        # The first is being sent and may have arrived; the second never left this device.
        first = await press(page, "1")
        await expect(page.locator("#unsent")).to_be_visible()
        second = await press_once(page, "1")
        await page.keyboard.press("u")
        await expect(page.locator(".task .item-id bdi")).to_have_text(second)
        await page.keyboard.press("u")
        await expect(page.locator("#notice")).to_contain_text("once the connection is there")
        await expect(page.locator(".task .item-id bdi")).to_have_text(second)
        await watched.context.set_offline(False)
        await expect(page.locator("#notice")).to_contain_text("its item is next")
        assert await press(page, "2") == second
        assert await press(page, "2") == first
        await page.reload()
        await expect(page.locator(".task")).to_be_visible()
        # What a page knew before it was loaded anew can still be taken back.
        await page.keyboard.press("u")
        await expect(page.locator(".task .item-id bdi")).to_have_text(first)
        wanted = {sent: "negative", second: "positive", first: "negative"}
        await press(page, "1")
        await wait_until(lambda: has(desk, wanted))
    assert len(await verdicts(sqlite_url)) == 3


async def test_new_items_appear_by_themselves(desk: Desk, enter: Enter) -> None:
    await desk.put_project(instructions="")
    async with enter("anna") as (page, _):
        await expect(page.locator(".empty")).to_contain_text("Nothing is waiting")
        await desk.post(entry("late"))
        await expect(page.locator(".task .item-id bdi")).to_have_text("late")
        await expect(page.locator("#announcer")).to_have_text("A new item has come.")


@pytest.mark.thorough
async def test_item_that_was_taken_back_stays_when_a_wait_ends_with_nothing(
    desk: Desk, enter: Enter
) -> None:
    await begin(desk, 1)
    async with enter("anna") as (page, watched):
        await read_instructions(page)
        asked, ended = asyncio.Event(), asyncio.Event()

        async def wait(route: Route) -> None:
            asks_to_wait = '"wait_seconds":0' not in (route.request.post_data or "")
            if ended.is_set() or not asks_to_wait:
                await route.continue_()
                return
            reply = await route.fetch(post_data={"count": 2, "wait_seconds": 0})
            asked.set()
            await ended.wait()
            await route.fulfill(response=reply)

        await watched.context.route("**/review/shop/tasks", wait)
        item = await press_once(page, "1")
        await asked.wait()
        await wait_until(lambda: has(desk, {item: "negative"}))
        await page.keyboard.press("u")
        await expect(page.locator(".task .item-id bdi")).to_have_text(item)
        async with page.expect_response("**/review/shop/tasks") as waited:
            ended.set()
        await (await waited.value).finished()
        await page.evaluate("() => new Promise((done) => setTimeout(done))")
        assert await shown(page) == item
        await page.keyboard.press("2")
        await wait_until(lambda: has(desk, {item: "positive"}))


@pytest.mark.thorough
async def test_task_that_comes_as_the_page_closes_goes_to_the_next_reviewer(
    desk: Desk, enter: Enter
) -> None:
    await begin(desk, 1)
    async with enter("anna") as (page, _):
        await read_instructions(page)
        # The page now waits for more than there is, and leaves while it waits.
        item = await shown(page)
        await page.keyboard.press("1")
        await wait_until(lambda: has(desk, {item: "negative"}))
        await page.goto("about:blank")
        await desk.post(entry("late"))
    (lease,) = await desk.lease("ben", wait_seconds=60)
    assert lease["task"]["item_id"] == "late"
