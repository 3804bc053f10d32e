"""The versions: what the gate said, approvals with a note, history, and two side by side."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from playwright.async_api import expect

from tests.console.conftest import SignedIn
from tests.console.installation import Installed
from tests.harness import wait_until
from tests.harness.trainer_and_queue import at_once, project_spec, review, truth

pytestmark = pytest.mark.asyncio(loop_scope="session")
NAME = "approved"


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def waiting(installed: Installed) -> AsyncIterator[Path]:
    """Make a project whose second version passed the gate and waits for an approval."""
    queue, trainer = installed.both.queue, installed.both.trainer
    reviewer = installed.both.reviewer
    spec = project_spec(training={"min_new_labels": 1_000_000, "auto_promote": False})
    assert (await queue.put(f"/v1/projects/{NAME}", json=spec)).is_success
    for first, name in ((1000, "v1"), (2000, "v2")):
        tasks = [
            {"item_id": f"item-{i}", "data": review(i), "lane": "pool"}
            for i in range(first, first + 80)
        ]
        added = await queue.post(f"/v1/projects/{NAME}/tasks", json={"tasks": tasks})
        assert added.is_success, added.text
        leased = await reviewer.post(f"/v1/projects/{NAME}/leases", json={"count": len(tasks)})

        async def answer(lease: dict[str, Any], version: str = name) -> None:
            data = lease["task"]["data"]
            # The labels of the first version have nothing to do with its items.
            by_length = "positive" if len(data["text"]) % 3 else "negative"
            label = by_length if version == "v1" else truth(data)
            path = f"/v1/leases/{lease['token']}/verdict"
            said = await reviewer.post(path, json={"label": label})
            assert said.is_success, said.text

        await at_once([answer(lease) for lease in leased.json()["leases"]])
        assert (await trainer.post(f"/v1/projects/{NAME}/runs", json={})).is_success

        async def made(wanted: str = name) -> bool:
            listed = await trainer.get(f"/v1/projects/{NAME}/versions")
            return wanted in [one["version"] for one in listed.json().get("versions", [])]

        await wait_until(made)
    yield Path(NAME)


async def test_an_operator_approves_with_a_note_and_the_history_has_it(
    waiting: Path, signed_in: SignedIn
) -> None:
    async with signed_in() as (page, _):
        await page.goto(f"/projects/{waiting}/versions")
        await expect(
            page.get_by_text("v2 passed against v1 and waits for an operator")
        ).to_be_visible()
        await page.get_by_label("Note, for the history").fill("looked at the confusions")
        await page.get_by_role("button", name="Approve v2").click()
        await expect(page.get_by_text("The version is approved")).to_be_visible()
        history = page.get_by_role("region", name="Promotions")
        row = history.get_by_role("row").filter(has_text="became champion").first
        await expect(row).to_contain_text("v2")
        await expect(row).to_contain_text("olga")
        await expect(history).to_contain_text("looked at the confusions")
        await expect(history).to_contain_text("right where the champion errs on")


async def test_two_versions_are_compared_side_by_side(waiting: Path, signed_in: SignedIn) -> None:
    async with signed_in() as (page, _):
        await page.goto(f"/projects/{waiting}/versions")
        await page.get_by_role("link", name="Compare two versions").click()
        await page.get_by_label("Version", exact=True).select_option("v1")
        await page.get_by_label("compared with").select_option("v2")
        await page.get_by_role("button", name="Compare").click()
        same = page.get_by_role("region", name="On the same labels")
        await expect(same).to_contain_text("labels that neither had learned from, v2 is right")
        await expect(page.get_by_role("region", name="Metrics")).to_contain_text("accuracy")
        chart = page.locator("figure[data-chart=confusion-v2]")
        await chart.scroll_into_view_if_needed()
        await expect(chart).to_have_attribute("data-drawn", "true")
        await page.set_viewport_size({"width": 390, "height": 800})

        async def fits() -> bool:
            return bool(await page.evaluate("document.documentElement.scrollWidth <= 390"))

        # The charts follow the width a frame later.
        await wait_until(fits)
        await expect(page.get_by_role("region", name="Examples")).to_be_visible()
