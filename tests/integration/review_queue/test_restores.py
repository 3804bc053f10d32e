"""A restored database: readers learn it, and read again what the feed says now."""

from collections.abc import AsyncIterator

import pytest
from sqlalchemy import text

from services.review_queue.lifecycle.outcomes.restores import PATH, FeedEnd
from services.review_queue.restored import declare_restored
from services.review_queue.settings import ReviewQueueSettings
from shared.auth import Keys
from shared.db import Database
from shared.http.lists import encode_cursor
from shared.settings import CommonSettings
from shared.store import Store
from tests.harness import wait_until
from tests.harness.backups import back_up, restore
from tests.harness.clock import Clock
from tests.harness.desk import Desk, entry, open_desk, problem_of

pytestmark = pytest.mark.own_desk

FEED = "/v1/projects/shop/outcomes"


@pytest.fixture
async def database(settings: ReviewQueueSettings) -> AsyncIterator[Database]:
    opened = Database(settings.database_url)
    yield opened
    await opened.dispose()


async def lose_two_of_three(
    common: CommonSettings, settings: ReviewQueueSettings, keys: Keys, clock: Clock
) -> str:
    """Answer one task, back up, answer two, and restore; return the cursor behind all three."""
    async with open_desk(common, settings, keys, clock) as desk:
        await desk.put_project()
        await desk.post(*map(entry, "abcd"))
        await desk.answer("r1", "positive")
        await desk.outcomes()
        await back_up(settings.database_url, common.home / "backup")
        await desk.answer("r1", "positive")
        await desk.answer("r1", "positive")
        cursor: str = (await desk.outcomes())["cursor"]
    await restore(settings.database_url, common.home / "backup")
    return cursor


@pytest.mark.thorough
async def test_a_cursor_of_the_lost_time_is_refused_however_far_the_feed_has_come_since(
    common: CommonSettings, settings: ReviewQueueSettings, keys: Keys, clock: Clock
) -> None:
    cursor = await lose_two_of_three(common, settings, keys, clock)
    # Neither the store nor an operator says that the database was restored: the cursor does.
    await Store(common.store_address).delete(PATH)
    async with open_desk(common, settings, keys, clock) as desk:
        query = {"after": cursor}
        problem_of(await desk.service.get(FEED, params=query), 409, "feed-restarted")
        for _ in range(3):
            await desk.answer("r1", "negative")
        problem = problem_of(await desk.service.get(FEED, params=query), 409, "feed-restarted")
        assert problem["epoch"] == 1
        page = await desk.outcomes()
        assert [row["label"] for row in page["outcomes"]] == ["positive", *["negative"] * 3]
        assert (await desk.outcomes(page["cursor"]))["outcomes"] == []


@pytest.mark.thorough
async def test_a_database_that_lies_behind_the_store_begins_an_epoch_at_its_start(
    common: CommonSettings,
    settings: ReviewQueueSettings,
    keys: Keys,
    clock: Clock,
    database: Database,
) -> None:
    await lose_two_of_three(common, settings, keys, clock)
    async with open_desk(common, settings, keys, clock) as desk:
        epochs = await wait_until(lambda: _epochs(database))
        assert len(epochs) == 1
        before = encode_cursor(1)
        problem = problem_of(
            await desk.service.get(FEED, params={"after": before}), 409, "feed-restarted"
        )
        assert problem["epoch"] == epochs[0]
        assert len((await desk.outcomes())["outcomes"]) == 1
    # A start that follows no restore begins none.
    async with open_desk(common, settings, keys, clock) as desk:
        end = (await desk.outcomes(tail=True))["cursor"]
    assert await _kept(common) == end
    assert await _epochs(database) == epochs


async def test_a_replica_that_stopped_as_usual_starts_in_the_same_epoch(
    common: CommonSettings,
    settings: ReviewQueueSettings,
    keys: Keys,
    clock: Clock,
    database: Database,
) -> None:
    async with open_desk(common, settings, keys, clock) as desk:
        await desk.put_project()
        await desk.post(entry("a"), entry("b"))
        await desk.answer("r1", "positive")
        cursor = (await desk.outcomes())["cursor"]
    async with open_desk(common, settings, keys, clock) as desk:
        await desk.answer("r1", "negative")
        page = await desk.outcomes(cursor)
        assert [row["item_id"] for row in page["outcomes"]] == ["b"]
    assert await _kept(common) == page["cursor"]
    assert await _epochs(database) == []


async def test_an_operator_says_that_the_database_was_restored(
    desk: Desk, common: CommonSettings, settings: ReviewQueueSettings, database: Database
) -> None:
    await desk.put_project()
    await desk.post(entry("a"))
    await desk.answer("r1", "positive")
    cursor = (await desk.outcomes())["cursor"]
    said = await declare_restored(common, database)
    (epoch,) = await _epochs(database)
    assert f"epoch {epoch}" in said
    refused = await desk.service.get(FEED, params={"after": cursor})
    problem = problem_of(refused, 409, "feed-restarted")
    assert problem["epoch"] == epoch
    assert len((await desk.outcomes())["outcomes"]) == 1
    await declare_restored(common, database)
    assert len(await _epochs(database)) == 2


@pytest.mark.any_database
async def test_cursors_of_the_release_before_hold_until_the_first_restore(
    desk: Desk, common: CommonSettings, database: Database
) -> None:
    await desk.put_project()
    await desk.post(entry("a"), entry("b"))
    await desk.answer("r1", "positive")
    await desk.answer("r1", "negative")
    await desk.outcomes()
    page = await desk.outcomes(encode_cursor(1))
    assert [row["item_id"] for row in page["outcomes"]] == ["b"]
    assert len((await desk.outcomes(encode_cursor(0)))["outcomes"]) == 2
    past_the_end = {"after": encode_cursor(3)}
    problem_of(await desk.service.get(FEED, params=past_the_end), 409, "feed-restarted")
    await declare_restored(common, database)
    problem_of(
        await desk.service.get(FEED, params={"after": encode_cursor(1)}), 409, "feed-restarted"
    )


@pytest.mark.any_database
async def test_what_is_no_cursor_is_unprocessable(desk: Desk) -> None:
    await desk.put_project()
    for told in ("", "x", "1.2", "1.2.x", "-1", "1.2.3.4", "1." + "9" * 30 + "."):
        after = encode_cursor(told) or "="
        problem_of(await desk.service.get(FEED, params={"after": after}), 422, "unprocessable")


async def _epochs(database: Database) -> list[int]:
    async with database.reading() as session:
        rows = await session.execute(text("SELECT epoch FROM feed_epochs ORDER BY epoch"))
        return [row[0] for row in rows]


async def _kept(common: CommonSettings) -> str | None:
    """Return the cursor of the feed's end that the store has."""
    kept = await Store(common.store_address).read_document(PATH, FeedEnd)
    return None if kept is None else kept.cursor
