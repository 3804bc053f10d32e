"""The versions page says how a version was trained, and the settings name the recipe."""

from typing import Any

import pytest
from playwright.async_api import expect

from tests.console.conftest import SignedIn
from tests.console.installation import Installed
from tests.harness import wait_until
from tests.harness.browser import barriers
from tests.harness.trainer_and_queue import project_spec

pytestmark = [pytest.mark.asyncio(loop_scope="session"), pytest.mark.thorough]

NAME = "mixed"
WORDS = ("awful broken", "lovely great")


async def label(installed: Installed, count: int) -> None:
    """Let a reviewer label items whose text and size both tell the label."""
    both = installed.both
    tasks = [
        {
            "item_id": f"one-{n}",
            "data": {"text": f"it was {WORDS[n % 2]} {n}", "size": 10 * (n % 2) + n % 5},
            "lane": "mandatory",
        }
        for n in range(count)
    ]
    made = await both.queue.post(f"/v1/projects/{NAME}/tasks", json={"tasks": tasks})
    assert made.is_success, made.text
    leased = await both.reviewer.post(f"/v1/projects/{NAME}/leases", json={"count": count})
    for lease in leased.json()["leases"]:
        said = "negative" if "awful" in lease["task"]["data"]["text"] else "positive"
        reply = await both.reviewer.post(
            f"/v1/leases/{lease['token']}/verdict", json={"label": said}
        )
        assert reply.is_success, reply.text


async def test_the_recipes_that_auto_compared_are_shown(
    installed: Installed, signed_in: SignedIn
) -> None:
    spec = project_spec(
        title="Mixed",
        fields={"size": {"type": "number", "optional": True}},
        labels=["negative", "positive", "neither"],
        training={"recipe": "auto", "min_new_labels": 40},
    )
    response = await installed.both.queue.put(f"/v1/projects/{NAME}", json=spec)
    assert response.is_success, response.text
    await label(installed, 40)
    path = f"/v1/projects/{NAME}/versions"

    async def published() -> Any:
        return (await installed.both.trainer.get(path)).json().get("versions")

    await wait_until(published)
    for width in (1280, 390):
        viewport = {"width": width, "height": 900}
        async with signed_in(viewport=viewport) as (page, _):
            await page.goto(f"/projects/{NAME}/versions")
            card = page.get_by_role("region", name="Version v1")
            trained = card.locator("details", has_text="How v1 was trained")
            await expect(trained.get_by_role("row").filter(has_text="chosen")).to_have_count(1)
            await expect(trained).to_contain_text("text-linear")
            await expect(trained).to_contain_text("no example of neither: never predicted")
            assert await barriers(page) == []
            await page.goto(f"/projects/{NAME}/settings")
            await expect(page.get_by_label("Recipe")).to_have_value("auto")
