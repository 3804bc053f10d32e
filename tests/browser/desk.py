"""What tests ask the page, the API and the database."""

from typing import Any

from playwright.async_api import Page, expect
from sqlalchemy import select
from sqlmodel import col

from services.review_queue.tables import VerdictRow
from shared.db import Database
from tests.browser.conftest import shown
from tests.harness.desk import Desk, Json, body_of


async def press(page: Page, key: str) -> str:
    """Answer what is shown by a key; return which item that was, once another is shown."""
    item = await shown(page)
    await page.keyboard.press(key)
    await expect(page.locator(".task .item-id bdi")).not_to_have_text(item)
    return item


async def rows(desk: Desk, **filters: str) -> list[Json]:
    answer = await desk.operator.get("/v1/projects/shop/tasks", params={"limit": 1000, **filters})
    return list(body_of(answer)["tasks"])


async def labels(desk: Desk) -> dict[str, str]:
    return {row["item_id"]: row["label"] for row in await rows(desk, state="resolved")}


async def has(desk: Desk, given: dict[str, str]) -> bool:
    return await labels(desk) == given


async def holds(desk: Desk, count: int) -> bool:
    return len(await rows(desk, state="leased")) == count


async def comments(database_url: str) -> dict[str, str]:
    """The comments of verdicts by task; no route gives them yet."""
    rows = await verdicts(database_url)
    return {row.task_id: row.comment for row in rows if row.comment is not None}


async def active_seconds(database_url: str) -> list[float | None]:
    """The active time of each verdict, oldest first."""
    return [row.active_seconds for row in await verdicts(database_url)]


async def verdicts(database_url: str) -> list[Any]:
    """Verdicts that stand, oldest first."""
    database = Database(database_url)
    async with database.reading() as session:
        statement = (
            select(VerdictRow)
            .where(col(VerdictRow.withdrawn_at).is_(None), col(VerdictRow.skipped).is_(False))
            .order_by(col(VerdictRow.verdict_id))
        )
        found = list((await session.execute(statement)).scalars())
    await database.dispose()
    return found
