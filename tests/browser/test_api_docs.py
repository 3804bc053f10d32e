"""The documentation of a service's API, in a browser that reaches no other host."""

import pytest
from playwright.async_api import Browser, expect

from tests.harness.browser import watched
from tests.harness.desk import Desk

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_the_page_lists_the_operations_of_the_service(desk: Desk, browser: Browser) -> None:
    async with watched(browser, desk.base_url) as seen:
        page = await seen.context.new_page()
        await page.goto(f"{desk.base_url}/docs")
        operation = page.get_by_text("What became of many items")
        await expect(operation).to_be_visible()
        await operation.click()
        await expect(page.get_by_text("Request body").first).to_be_visible()
