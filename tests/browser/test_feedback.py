"""Feedback: given beside the item or on its page, answered by an operator, seen by all."""

import pytest
from playwright.async_api import Page, expect

from tests.browser.conftest import Enter, read_instructions, shown, sign_in
from tests.browser.desk import press
from tests.browser.test_untrusted import ATTACKS, SCRIPT, unharmed
from tests.harness.browser import barriers
from tests.harness.desk import Desk, Json, body_of, entry

pytestmark = pytest.mark.asyncio(loop_scope="session")

FEEDBACK = "/v1/projects/shop/feedback"


async def said(desk: Desk) -> list[Json]:
    return list(body_of(await desk.operator.get(FEEDBACK))["feedback"])


async def give(desk: Desk, text: str, reviewer: str = "boris", **about: str) -> Json:
    body = {"about": "instructions", **about, "text": text}
    return body_of(await desk.reviewer(reviewer).post(FEEDBACK, json=body))


async def test_feedback_on_item_label_and_instructions_by_keyboard_alone(
    desk: Desk, enter: Enter
) -> None:
    await desk.put_project()
    receipts = await desk.post(*(entry(f"item-{number}") for number in range(4)))
    by_item = {receipt["item_id"]: receipt["task_id"] for receipt in receipts}
    async with enter("anna") as (page, _):
        await read_instructions(page)
        await page.keyboard.press("?")
        await expect(page.get_by_role("dialog")).to_contain_text("feedback on the item")
        await page.keyboard.press("Escape")
        item = await shown(page)
        await page.keyboard.press("f")
        dialog = page.get_by_role("dialog", name="Feedback")
        await expect(dialog.get_by_label("About")).to_have_value("item")
        await expect(dialog.locator("option:checked")).to_have_text(f"Item {item}")
        # What is a key at the desk is a letter here.
        await page.keyboard.type("1 is cut off; see s. 2")
        await page.keyboard.press("Tab")
        await page.keyboard.press("Enter")
        await expect(dialog).to_be_hidden()
        await expect(page.locator("#announcer")).to_have_text("Your feedback was sent.")
        await expect(page.locator(".task")).to_be_focused()
        assert await shown(page) == item
        await press(page, "1")
        for choice in ("label:positive", "instructions"):
            await page.keyboard.press("f")
            await dialog.get_by_label("About").select_option(choice)
            await dialog.get_by_label("What you have to say").fill(f"on {choice}")
            await page.keyboard.press("Control+Enter")
            await expect(dialog).to_be_hidden()
    newest, second, first = await said(desk)
    assert (first["about"], first["task_id"]) == ("item", by_item[item])
    assert (first["text"], first["author"]) == ("1 is cut off; see s. 2", "anna")
    assert (second["about"], second["label"], second["text"]) == (
        "label",
        "positive",
        "on label:positive",
    )
    assert (newest["about"], newest["instructions_revision"]) == ("instructions", 1)


@pytest.mark.thorough
async def test_what_was_written_is_kept_until_it_is_sent(desk: Desk, enter: Enter) -> None:
    await desk.put_project(instructions="")
    await desk.post(*(entry(f"item-{number}") for number in range(4)))
    async with enter("anna") as (page, watched):
        await expect(page.locator(".task")).to_be_visible()
        item = await shown(page)
        await page.keyboard.press("f")
        dialog = page.get_by_role("dialog", name="Feedback")
        await page.keyboard.type("the lid is meant")
        await watched.context.set_offline(True)
        await dialog.get_by_role("button", name="Send").click()
        await expect(dialog.get_by_role("alert")).to_contain_text("was not sent")
        await page.keyboard.press("Escape")
        await watched.context.set_offline(False)
        await press(page, "1")
        # It is still about the item that it was begun about.
        await page.keyboard.press("f")
        await expect(dialog.locator("option:checked")).to_have_text(f"Item {item}")
        await expect(dialog.get_by_label("What you have to say")).to_have_value("the lid is meant")
        await dialog.get_by_role("button", name="Send").click()
        await expect(dialog).to_be_hidden()
    (one,) = await said(desk)
    assert (await desk.task(one["task_id"]))["item_id"] == item


@pytest.mark.thorough
async def test_empty_desk_takes_feedback_on_the_instructions(desk: Desk, enter: Enter) -> None:
    await desk.put_project(instructions="")
    async with enter("anna") as (page, _):
        await expect(page.locator(".empty")).to_contain_text("Nothing is waiting")
        await page.keyboard.press("f")
        dialog = page.get_by_role("dialog", name="Feedback")
        await expect(dialog.locator("option[value=item]")).to_be_disabled()
        await page.keyboard.type("when does work come?")
        await dialog.get_by_role("button", name="Send").click()
        await expect(dialog).to_be_hidden()
    assert [one["about"] for one in await said(desk)] == ["instructions"]


async def test_operator_answers_and_all_see_it(
    desk: Desk, enter: Enter, operator_page: Page
) -> None:
    await desk.put_project(instructions="")
    (receipt,) = await desk.post(entry("order/17"))
    await give(desk, "what is irony?\nand this?", about="item", task_id=receipt["task_id"])
    await give(desk, "too long")
    await sign_in(operator_page, desk)
    await operator_page.get_by_role("link", name="Feedback").click()
    remarks = operator_page.get_by_role("article")
    await expect(remarks).to_have_count(2)
    await operator_page.get_by_role("link", name="Without an answer").click()
    remark = operator_page.get_by_role("article", name="Item order/17")
    await expect(remark.locator(".said")).to_have_text("what is irony?\nand this?")
    await remark.get_by_label("Answer").fill("what is meant counts")
    await remark.get_by_role("button", name="Answer").click()
    # What waits is still what is listed.
    await expect(remarks).to_have_count(1)
    await expect(remarks).to_contain_text("too long")
    async with enter("anna") as (page, _):
        await page.get_by_role("link", name="Feedback").click()
        seen = page.get_by_role("article", name="Item order/17")
        await expect(seen).to_contain_text("what is meant counts")
        await expect(seen).to_contain_text("answered by olga")
        await expect(page.get_by_text("Not answered yet.")).to_have_count(1)
        await expect(page.get_by_role("button", name="Answer")).to_have_count(0)


@pytest.mark.thorough
async def test_feedback_page_takes_remarks_too(desk: Desk, enter: Enter) -> None:
    await desk.put_project(labels=["a:b", "c"], instructions="")
    async with enter("anna") as (page, _):
        await page.get_by_role("link", name="Feedback").click()
        await expect(page.get_by_text("There is no feedback yet.")).to_be_visible()
        await page.get_by_text("Say something").click()
        await page.get_by_label("About").select_option("label:a:b")
        await page.get_by_label("What you have to say").fill("means what?")
        await page.get_by_role("button", name="Send").click()
        await expect(page.get_by_role("article", name="Label a:b")).to_contain_text("means what?")
    assert [(one["label"], one["author"]) for one in await said(desk)] == [("a:b", "anna")]


@pytest.mark.thorough
async def test_answer_that_came_second_is_shown_not_kept(desk: Desk, operator_page: Page) -> None:
    await desk.put_project(instructions="")
    one = await give(desk, "why?")
    await sign_in(operator_page, desk)
    await operator_page.goto("/review/shop/feedback")
    url = f"{FEEDBACK}/{one['feedback_id']}/answer"
    body_of(await desk.operator.post(url, json={"text": "the first"}))
    await operator_page.get_by_label("Answer").fill("the second")
    await operator_page.get_by_role("button", name="Answer").click()
    await expect(operator_page.get_by_role("alert")).to_contain_text("the second")
    await expect(operator_page.get_by_role("article")).to_contain_text("the first")
    assert [row["answer"] for row in await said(desk)] == ["the first"]


@pytest.mark.thorough
async def test_earlier_feedback_is_a_page_away(desk: Desk, enter: Enter) -> None:
    await desk.put_project(instructions="")
    for number in range(23):
        await give(desk, f"remark {number}")
    async with enter("anna") as (page, _):
        await page.goto("/review/shop/feedback")
        await expect(page.get_by_role("article")).to_have_count(20)
        await page.get_by_role("link", name="Earlier").click()
        await expect(page.get_by_role("article")).to_have_count(3)
        await expect(page.get_by_role("link", name="Earlier")).to_have_count(0)


@pytest.mark.thorough
async def test_what_people_say_stays_text(desk: Desk, enter: Enter, operator_page: Page) -> None:
    await desk.put_project(title=SCRIPT, labels=ATTACKS, instructions="")
    (receipt,) = await desk.post(entry(ATTACKS[3]))
    await give(desk, ATTACKS[0], ATTACKS[1], about="item", task_id=receipt["task_id"])
    await give(desk, "\n\n".join(ATTACKS), ATTACKS[2], about="label", label=ATTACKS[0])
    await sign_in(operator_page, desk)
    await operator_page.goto("/review/shop/feedback?waiting=true")
    await operator_page.get_by_role("article").first.get_by_label("Answer").fill(ATTACKS[3])
    await operator_page.get_by_role("article").first.get_by_role("button", name="Answer").click()
    await expect(operator_page.get_by_role("article")).to_have_count(1)
    await unharmed(operator_page)
    # The operator's own desk may still hold the first.
    await desk.post(entry("another"))
    async with enter(ATTACKS[1]) as (page, _):
        await expect(page.locator(".task")).to_be_visible()
        await page.keyboard.press("f")
        await expect(page.locator("#feedback-about option")).to_have_count(2 + len(ATTACKS))
        await unharmed(page)
        await page.goto("/review/shop/feedback")
        await expect(page.get_by_role("article")).to_have_count(2)
        await expect(page.get_by_role("article").first).to_contain_text(ATTACKS[3])
        await unharmed(page)


@pytest.mark.thorough
async def test_feedback_that_is_refused_is_not_kept(desk: Desk, enter: Enter) -> None:
    await desk.put_project(labels=["a", "b"], instructions="")
    async with enter("anna") as (page, watched):
        watched.expected = "status of 422"
        await page.goto("/review/shop/feedback")
        await page.get_by_text("Say something").click()
        await page.get_by_label("What you have to say").fill("  ")
        await page.get_by_role("button", name="Send").click()
        await expect(page.locator("h1")).not_to_have_text("Feedback")
        assert await barriers(page) == []
        await page.goto("/review/shop/feedback?after=!")
        await expect(page.locator("h1")).not_to_have_text("Feedback")
    assert await said(desk) == []
