"""The review queue's database is restored from a backup: no verdict is lost to the trainer."""

import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass

import httpx
import pytest

from services.review_queue.app import create_app as create_queue
from services.review_queue.lifecycle.outcomes.restores import PATH
from services.review_queue.settings import ReviewQueueSettings
from services.trainer.app import create_app as create_trainer
from services.trainer.datasets import repository as datasets
from services.trainer.outcomes import repository
from services.trainer.outcomes.service import read_feed
from services.trainer.pool import repository as pool
from services.trainer.queue_client import QueueAway
from services.trainer.resources import Resources
from services.trainer.runs import repository as runs
from services.trainer.settings import TrainerSettings
from shared.auth import Keys
from shared.settings import CommonSettings
from shared.store import Store
from tests.harness import client, free_port, serve, wait_until
from tests.harness.backups import back_up, restore
from tests.harness.databases import create_tables
from tests.harness.trainer_and_queue import PROJECT, project_spec, review
from tests.harness.trainer_parts import open_trainer_parts

TASKS = f"/v1/projects/{PROJECT}/tasks"


@dataclass
class Installation:
    """A review queue that can be stopped, its database, and a trainer that follows it."""

    common: CommonSettings
    keys: Keys
    database_url: str
    port: int
    trainer: Resources

    @contextlib.asynccontextmanager
    async def queue(self) -> AsyncIterator[tuple[httpx.AsyncClient, httpx.AsyncClient]]:
        """Serve the review queue; give an operator's and a reviewer's client of it."""
        settings = ReviewQueueSettings(database_url=self.database_url)
        async with (
            serve(create_queue(self.common, settings), self.port) as base,
            client(base, self.keys.issue("operator", "op")) as operator,
            client(base, self.keys.issue("reviewer", "r1")) as reviewer,
        ):
            yield operator, reviewer

    async def labels(self) -> dict[str, str | None]:
        """Return the labels that the trainer knows, by item."""
        async with self.trainer.database.reading() as session:
            rows = await datasets.labelled(session, PROJECT, ["mandatory"])
        return {row.item_id: row.label for row in rows}

    async def knows(self, number: int) -> None:
        """Wait until the trainer knows the labels of `number` items."""

        async def does() -> bool:
            return len(await self.labels()) == number

        await wait_until(does)


@pytest.fixture
async def installation(
    common: CommonSettings, keys: Keys, database_url: str
) -> AsyncIterator[Installation]:
    trainer_url = f"sqlite+aiosqlite:///{common.home / 'trainer.db'}"
    await create_tables("review_queue", database_url)
    await create_tables("trainer", trainer_url)
    port = free_port()
    wired = common.model_copy(update={"review_queue_url": f"http://127.0.0.1:{port}"})
    app = create_trainer(wired, TrainerSettings(database_url=trainer_url))
    async with serve(app):
        yield Installation(wired, keys, database_url, port, app.state.resources)


async def answer(reviewer: httpx.AsyncClient, count: int, label: str) -> set[str]:
    """Answer `count` tasks with `label`; return their items."""
    path = f"/v1/projects/{PROJECT}/leases"
    leases = (await reviewer.post(path, json={"count": count})).json()["leases"]
    for lease in leases:
        path = f"/v1/leases/{lease['token']}/verdict"
        assert (await reviewer.post(path, json={"label": label})).is_success
    return {lease["task"]["item_id"] for lease in leases}


@pytest.mark.thorough
@pytest.mark.parametrize("store_knows", [True, False])
async def test_verdicts_after_a_restore_reach_the_trainer_and_supersede_the_lost_ones(
    installation: Installation, common: CommonSettings, store_knows: bool
) -> None:
    backup = common.home / "backup"
    async with installation.queue() as (operator, reviewer):
        spec = project_spec(training={"min_new_labels": 1_000_000})
        assert (await operator.put(f"/v1/projects/{PROJECT}", json=spec)).is_success
        tasks = [{"item_id": f"item-{i}", "data": review(i)} for i in range(40)]
        assert (await operator.post(TASKS, json={"tasks": tasks})).is_success
        kept = await answer(reviewer, 5, "positive")
        await installation.knows(5)
        await back_up(installation.database_url, backup)
        lost = await answer(reviewer, 20, "positive")
        await installation.knows(25)
    await restore(installation.database_url, backup)
    if not store_knows:
        await Store(common.store_address).delete(PATH)
    async with installation.queue() as (_, reviewer):
        given = await answer(reviewer, 20, "negative")
        expected = dict.fromkeys(kept | lost, "positive") | dict.fromkeys(given, "negative")
        assert given & lost

        async def has_all() -> bool:
            return await installation.labels() == expected

        await wait_until(has_all)


async def test_a_feed_that_begins_anew_counts_nothing_twice_and_posts_open_tasks_again(
    common: CommonSettings, database_url: str
) -> None:
    async with open_trainer_parts(common, database_url) as parts:
        resources, queue = parts.resources, parts.queue
        await parts.import_reviews(range(4))
        async with resources.database.transaction() as session:
            await pool.ask_about(
                session, PROJECT, ["item-0", "item-1"], batch_id="b", arm="random", propensity=0.5
            )
        await resources.posting.post_pending(PROJECT)
        for name in ("item-1", "same", "other"):
            queue.resolve(name, review(1), "positive")
        await read_feed(resources, PROJECT)
        queue.restore(2)
        queue.resolve("other", review(1), "negative")

        assert await read_feed(resources, PROJECT) == 1
        async with resources.database.reading() as session:
            rows = await repository.of_items(session, PROJECT, ["item-1", "same", "other"])
            assert await runs.count_new_labels(session, PROJECT, 3) == 1
        found = {row.item_id: (row.label, row.position, row.reading) for row in rows}
        assert found == {
            "item-1": ("positive", 1, 1),
            "same": ("positive", 2, 1),
            "other": ("negative", 4, 1),
        }
        await resources.posting.post_pending(PROJECT)
        assert list(queue.tasks) == ["item-0"]


async def test_an_item_that_was_erased_stays_so_where_the_restored_queue_knows_it_again(
    common: CommonSettings, database_url: str
) -> None:
    async with open_trainer_parts(common, database_url) as parts:
        parts.queue.resolve("a", review(1), "positive")
        parts.queue.resolve("a", {}, "positive", revision=2, erased=True)
        await read_feed(parts.resources, PROJECT)
        parts.queue.restore(1)
        parts.queue.resolve("a", review(1), "negative", revision=2)
        await read_feed(parts.resources, PROJECT)
        async with parts.resources.database.reading() as session:
            (row,) = await repository.of_items(session, PROJECT, ["a"])
        assert (row.data, row.label, row.erasure) == ({}, "positive", "pending")


async def test_a_feed_that_restarts_again_and_again_is_no_feed(
    common: CommonSettings, sqlite_url: str
) -> None:
    async with open_trainer_parts(common, sqlite_url) as parts:
        parts.queue.resolve("a", review(1), "positive")
        await read_feed(parts.resources, PROJECT)
        # What the queue gives is never what it takes.
        parts.queue.given_epoch, parts.queue.epoch = 0, 7
        for number in range(1_000):
            parts.queue.resolve(f"item-{number}", review(number), "positive")
        with pytest.raises(QueueAway, match="again and again"):
            await read_feed(parts.resources, PROJECT)
