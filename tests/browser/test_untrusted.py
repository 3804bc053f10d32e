"""What items, labels, people and instructions say stays text, whatever it looks like."""

import re

import pytest
from playwright.async_api import Page, expect

from shared.contracts.base import rfc3339
from tests.browser.conftest import Enter, sign_in
from tests.harness.browser import barriers
from tests.harness.desk import Desk, Json, body_of

pytestmark = pytest.mark.asyncio(loop_scope="session")

SCRIPT = "<script>window.pwned=1</script>"
ATTACKS = [
    SCRIPT,
    "<img src=x onerror=window.pwned=1>",
    '"><svg onload=window.pwned=1>',
    "</article></div><script>window.pwned=1</script>",
    "{{ 7*7 }}{% set x = 1 %}",
    "javascript:window.pwned=1",
    "<!-- <style>*{display:none}</style>",
    "\u202ertl \u2066isolated\u2069 \u200f",
]
FIELDS: Json = {
    "text": {"type": "text"},
    "kind": {"type": "category", "values": ATTACKS},
    "picture": {"type": "image"},
    "stored": {"type": "image"},
    "size": {"type": "number"},
    "vector": {"type": "vector", "length": 12},
    "extra": {"type": "json"},
}
PIXEL = "".join(
    [
        "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk",
        "+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==",
    ]
)


def hostile(number: int) -> Json:
    attack = ATTACKS[number]
    data = {
        "text": f"  two  spaces\n\tand a tab {attack}",
        "kind": attack,
        "picture": [PIXEL, "PHNjcmlwdD4="][number % 2],
        "stored": 'https://elsewhere.example/"onerror="window.pwned=1',
        "size": -1.5e-7,
        "vector": [0.5] * 12,
        "extra": {attack: [attack, {"a": None}]},
    }
    label = ATTACKS[(number + 1) % len(ATTACKS)]
    return {
        "item_id": f"{number} {attack}",
        "data": data,
        "metadata": {"channel": attack},
        "prediction": {"label": label},
    }


async def unharmed(page: Page) -> None:
    assert await page.evaluate("window.pwned") is None
    assert await page.locator("main script, main [onerror], main [onload], main style").count() == 0


@pytest.mark.thorough
async def test_attacks_in_every_field_stay_text(desk: Desk, enter: Enter) -> None:
    await desk.put_project(
        title=SCRIPT,
        fields=FIELDS,
        labels=ATTACKS,
        instructions=f"# {SCRIPT}\n\n" + "\n\n".join(ATTACKS) + "\n\n[here](javascript:alert(1))",
        review={"blind": False, "max_overlap": 1},
    )
    receipts = await desk.post(*(hostile(number) for number in range(len(ATTACKS))))
    assert {receipt["status"] for receipt in receipts} == {"created"}
    async with enter(ATTACKS[1]) as (page, _):
        await expect(page.locator("h1")).to_have_text(SCRIPT)
        instructions = page.locator("#first .prose")
        await expect(instructions).to_contain_text(SCRIPT)
        assert await instructions.locator("a").count() == 0
        await unharmed(page)
        await page.get_by_role("button", name="I have read it").click()
        for number, attack in enumerate(ATTACKS):
            task = page.locator(".task")
            await expect(task.locator(".item-id")).to_contain_text(f"{number} ")
            text = task.locator(".field.text .value")
            assert (
                await text.evaluate("node => node.textContent") == hostile(number)["data"]["text"]
            )
            assert "pre" in str(await text.evaluate("node => getComputedStyle(node).whiteSpace"))
            await expect(task.locator(".field.category .value")).to_have_text(attack)
            await expect(task.locator(".suggestion bdi")).to_have_text(
                ATTACKS[(number + 1) % len(ATTACKS)]
            )
            await unharmed(page)
            await page.keyboard.press(str(number + 1))
        await expect(page.locator(".task")).to_have_count(0)
        await page.goto("/review/shop/me")
        await page.wait_for_url("**/me?since=*")
        await expect(page.locator("tbody tr")).to_have_count(len(ATTACKS))
        await unharmed(page)
    rows = body_of(await desk.operator.get("/v1/projects/shop/tasks"))["tasks"]
    assert {row["item_id"]: row["label"] for row in rows} == {
        hostile(number)["item_id"]: attack for number, attack in enumerate(ATTACKS)
    }


async def test_fields_are_shown_by_their_type(desk: Desk, enter: Enter) -> None:
    await desk.put_project(fields=FIELDS, labels=ATTACKS, instructions="")
    # The one that is due first is shown first.
    await desk.post({**hostile(0), "due_at": rfc3339(desk.clock())}, hostile(1))
    async with enter("anna") as (page, _):
        task = page.locator(".task")
        picture = task.locator("img")
        await expect(picture).to_be_visible()
        assert await picture.evaluate("node => node.naturalWidth") == 1
        # A stored image is on another server: it is not asked before somebody opens it.
        link = task.get_by_role("link", name=re.compile("Open the image"))
        assert await link.get_attribute("href") == hostile(0)["data"]["stored"]
        await expect(task.locator(".field.number .value")).to_have_text("-1.5e-07")
        await expect(task.locator(".field.vector summary")).to_contain_text("(12 numbers)")
        await expect(task.locator(".field.json pre")).to_contain_text('"a": null')
        await expect(task.locator(".suggestion")).to_have_count(0)
        await page.keyboard.press("1")
        await expect(task.locator(".field.broken .value")).to_contain_text("not a PNG")
        assert await barriers(page) == []


@pytest.mark.thorough
async def test_what_reviewers_say_stays_text_for_the_operator(
    desk: Desk, operator_page: Page
) -> None:
    named = {ATTACKS[3]: {"name": "<b>the fourth</b>"}}
    await desk.put_project(fields=FIELDS, labels=ATTACKS, label_display=named)
    await desk.post(hostile(2))
    (lease,) = await desk.lease(ATTACKS[0])
    await desk.use(ATTACKS[0], lease["token"], "skip", {"reason": ATTACKS[1]})
    await sign_in(operator_page, desk)
    await operator_page.goto("/review/shop/adjudicate")
    answers = operator_page.locator(".answers li")
    await expect(answers).to_contain_text(ATTACKS[0])
    await expect(answers).to_contain_text(ATTACKS[1])
    await unharmed(operator_page)
    await operator_page.locator("button.label", has_text="<b>the fourth</b>").click()
    await expect(operator_page.get_by_text("There is nothing to adjudicate.")).to_be_visible()
    assert (await desk.task(lease["task"]["task_id"]))["label"] == ATTACKS[3]
