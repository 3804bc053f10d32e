"""Each page with data, empty, on a phone, in the dark, and while services are away."""

from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from playwright.async_api import Page, expect

from tests.console.conftest import SignedIn, sign_in
from tests.console.installation import HOSTILE, Installed, console_of
from tests.harness.browser import DESKTOP, PHONE, barriers, watched
from tests.harness.trainer_and_queue import project_spec

pytestmark = pytest.mark.asyncio(loop_scope="session")

Check = Callable[[Page], Awaitable[None]]

PAGES = [
    "/",
    "/projects/new",
    "/projects/{}",
    "/projects/{}/queue",
    "/projects/{}/queue?state=",
    "/projects/{}/people",
    "/projects/{}/versions",
    "/projects/{}/versions/encoder",
    "/projects/{}/drift",
    "/projects/{}/data",
    "/projects/{}/data/gold",
    "/projects/{}/data/learning",
    "/projects/{}/data/snapshots",
    "/projects/{}/data/jobs",
    "/projects/{}/items",
    "/projects/{}/settings",
    "/projects/{}/settings/webhooks",
    "/projects/{}/activity",
]
DESK: dict[str, Any] = {"viewport": DESKTOP, "color_scheme": "light"}
PHONE_AT_NIGHT: dict[str, Any] = {
    "viewport": PHONE, "color_scheme": "dark", "is_mobile": True, "has_touch": True
}  # fmt: skip


async def fits(page: Page) -> None:
    """Nothing is wider than the screen."""
    wide = "document.documentElement.scrollWidth - innerWidth"
    assert await page.evaluate(wide) <= 0


async def is_sound(page: Page) -> None:
    """No barrier, and nothing wider than the screen."""
    assert await barriers(page) == []
    await fits(page)


async def open_all(page: Page, project: str, check: Check = is_sound) -> None:
    """Open each page and check it: by default, look for barriers too."""
    for path in PAGES:
        await page.goto(path.format(project))
        await expect(page.get_by_role("heading", level=1)).to_be_attached()
        await check(page)


async def test_pages_with_data_fit_on_a_desk(signed_in: SignedIn, project: str) -> None:
    async with signed_in(**DESK) as (page, _):
        await open_all(page, project, fits)


@pytest.mark.thorough
@pytest.mark.parametrize("options", [DESK, PHONE_AT_NIGHT], ids=["desk", "phone"])
async def test_pages_with_data_have_no_barriers(
    signed_in: SignedIn, project: str, options: dict[str, Any]
) -> None:
    async with signed_in(**options) as (page, _):
        await open_all(page, project)


async def test_pages_of_an_empty_project_fit_on_a_phone(
    installed: Installed, signed_in: SignedIn
) -> None:
    spec = project_spec(title="")
    await installed.both.queue.put("/v1/projects/empty", json=spec)
    async with signed_in(**PHONE_AT_NIGHT) as (page, _):
        await open_all(page, "empty", fits)


@pytest.mark.thorough
async def test_pages_of_an_empty_project_have_no_barriers(
    installed: Installed, signed_in: SignedIn
) -> None:
    spec = project_spec(title="")
    await installed.both.queue.put("/v1/projects/empty", json=spec)
    async with signed_in(**DESK) as (page, _):
        await open_all(page, "empty")


async def test_no_text_of_others_becomes_markup(installed: Installed, signed_in: SignedIn) -> None:
    await installed.both.queue.put("/v1/projects/hostile", json=project_spec(title=HOSTILE))
    async with signed_in() as (page, _):
        await page.goto("/")
        await expect(page.get_by_role("link", name=HOSTILE)).to_be_visible()
        await page.goto("/projects/hostile")
        await expect(page.get_by_role("link", name=HOSTILE)).to_be_visible()


@pytest.mark.thorough
async def test_a_service_that_is_away_leaves_the_rest_of_each_page(
    installed: Installed, browser: Any, project: str
) -> None:
    away = "http://127.0.0.1:9"
    async with (
        console_of(installed.common, away) as url,
        watched(browser, url) as one,
    ):
        await sign_in(one.context, installed.operator, url)
        page = await one.context.new_page()
        await page.goto("/")
        await expect(page.get_by_text("not known: a service is away").first).to_be_visible()
        for path in ("", "/versions", "/versions/encoder", "/data", "/items?item_id=item-1"):
            await page.goto(f"/projects/{project}{path}")
            await expect(page.get_by_text("The trainer is away").first).to_be_visible()
        await page.goto(f"/projects/{project}/queue?state=resolved")
        await expect(page.locator("tbody tr.task").nth(5)).to_be_visible()


@pytest.mark.thorough
async def test_pages_live_while_the_review_queue_is_away(
    installed: Installed, browser: Any, project: str
) -> None:
    common = installed.common.model_copy(update={"review_queue_url": "http://127.0.0.1:9"})
    async with (
        console_of(common, installed.common.trainer_url) as url,
        watched(browser, url) as one,
    ):
        await sign_in(one.context, installed.operator, url)
        page = await one.context.new_page()
        for path in ("/", "", "/queue", "/people", "/versions", "/data", "/settings", "/activity"):
            await page.goto(path if path == "/" else f"/projects/{project}{path}")
            await expect(page.get_by_text("The review queue is away").first).to_be_visible()
        await page.goto(f"/projects/{project}")
        await expect(page.locator(".sentence")).to_contain_text("v1")


async def test_an_item_says_why_it_was_decided_so_and_hostile_text_stays_text(
    signed_in: SignedIn, project: str
) -> None:
    async with signed_in() as (page, _):
        await page.goto(f"/projects/{project}/items")
        await page.get_by_label("Item id").fill("live-2000")
        await page.get_by_role("button", name="Find").click()
        await expect(page.get_by_text("reaches the certified threshold")).to_be_visible()
        # In any state: the desk of another test may have leased it.
        await page.goto(f"/projects/{project}/queue?state=")
        await page.get_by_label("Search ids and texts").fill(HOSTILE)
        await page.get_by_role("button", name="Filter").click()
        await page.get_by_role("link", name=HOSTILE).click()
        await expect(page.get_by_role("heading", level=1)).to_contain_text(HOSTILE)
        await expect(page.locator(".preview-value")).to_have_text(HOSTILE)
        await expect(page.get_by_text("Task created")).to_be_visible()
        await is_sound(page)


async def test_reviewers_are_sent_to_the_desk_and_see_no_figures(
    signed_in: SignedIn, project: str
) -> None:
    async with signed_in(role="reviewer", projects=[project]) as (page, one):
        await page.goto("/")
        await expect(page).to_have_url(f"{one.base_url}/review/{project}")
        await expect(page.get_by_text("Promise")).to_have_count(0)
        await is_sound(page)
