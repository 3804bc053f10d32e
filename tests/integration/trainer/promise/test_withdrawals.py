"""Tasks of a draw that ended early are withdrawn, whatever fails on the way."""

import pytest

from services.trainer.outcomes.service import read_feed
from services.trainer.queue_client import QueueAway
from services.trainer.registry import service as registry
from shared.auth import Keys
from shared.contracts.base import task_id_for
from shared.settings import CommonSettings
from tests.harness import wait_until
from tests.harness.trainer_and_queue import (
    PROJECT,
    TrainerAndQueue,
    review,
    run_trainer_and_queue,
)
from tests.harness.trainer_parts import TrainerParts, open_trainer_parts
from tests.integration.trainer.promise.test_certification import drawn_items, prepare, wrong


async def end_early(parts: TrainerParts) -> set[str]:
    """Let people contradict half of a draw; return the items that nobody has answered."""
    await prepare(parts)
    await withdraw(parts)
    assert parts.queue.withdrawn == []
    items = sorted(drawn_items(parts))
    for item_id in items[:20]:
        data = parts.queue.tasks[item_id]["data"]
        parts.queue.resolve(item_id, data, wrong(data), lane="certification")
    await parts.step()
    assert (await parts.certificate()).state == "failed"
    return set(items[20:])


async def withdraw(parts: TrainerParts) -> None:
    await parts.resources.posting.withdraw_pending(PROJECT)


async def test_what_a_draw_leaves_is_withdrawn_until_the_queue_says_so(
    common: CommonSettings, database_url: str
) -> None:
    async with open_trainer_parts(common, database_url) as parts:
        left = await end_early(parts)
        parts.queue.is_away = True
        with pytest.raises(QueueAway):
            await withdraw(parts)
        parts.queue.is_away, parts.queue.can_withdraw = False, False
        await withdraw(parts)
        assert parts.queue.withdrawn == []
        parts.queue.can_withdraw, parts.queue.held = True, {min(left)}
        await withdraw(parts)
        assert set(parts.queue.withdrawn) == left - {min(left)}
        parts.queue.withdrawn, parts.queue.held = [], set()
        await withdraw(parts)
        await withdraw(parts)
        assert parts.queue.withdrawn == [min(left)]


async def test_a_restored_queue_is_told_again(common: CommonSettings, sqlite_url: str) -> None:
    async with open_trainer_parts(common, sqlite_url) as parts:
        left = await end_early(parts)
        await withdraw(parts)
        parts.queue.restore(len(parts.queue.feed))
        await read_feed(parts.resources, PROJECT)
        parts.queue.withdrawn = []
        await withdraw(parts)
        assert set(parts.queue.withdrawn) == left


async def test_the_tasks_of_a_retired_version_are_withdrawn(
    common: CommonSettings, sqlite_url: str
) -> None:
    async with open_trainer_parts(common, sqlite_url) as parts:
        await prepare(parts)
        items = drawn_items(parts)
        answered = min(items)
        data = parts.queue.tasks[answered]["data"]
        parts.queue.resolve(answered, data, "positive", lane="certification")
        await parts.step()
        await parts.set_champion_by_hand(None)
        await registry.retire(parts.resources, parts.project, "v1", "op")
        await withdraw(parts)
        assert set(parts.queue.withdrawn) == items - {answered}


@pytest.mark.thorough
async def test_reviewers_are_not_asked_what_no_certification_reads(
    common: CommonSettings, keys: Keys, sqlite_url: str
) -> None:
    async with run_trainer_and_queue(common, keys, sqlite_url) as both:
        await both.put_project(training={"min_new_labels": 60, "auto_promote": False})
        await both.import_pool(0, 200)
        await both.label_and_train()
        await both.certificate("open")
        needed = await _ask_for_an_open_item(both)
        both.answers = wrong
        await both.answer_all(20)
        await both.certificate("failed")

        async def withdrawn() -> bool:
            return len(await _open_items(both)) <= 1

        await wait_until(withdrawn)
        assert await _open_items(both) == {needed: "mandatory"}


async def _open_items(both: TrainerAndQueue) -> dict[str, str]:
    answer = await both.queue.get(f"/v1/projects/{PROJECT}/tasks?state=open&limit=1000")
    return {task["item_id"]: task["lane"] for task in answer.json()["tasks"]}


async def _ask_for_an_open_item(both: TrainerAndQueue) -> str:
    """Let a client need the answer to the item of the draw that reviewers get last."""

    async def all_posted() -> bool:
        return len(await _open_items(both)) == 40

    await wait_until(all_posted)
    answer = await both.queue.get(f"/v1/projects/{PROJECT}/tasks?state=open&limit=1000")
    needed: str = answer.json()["tasks"][-1]["item_id"]
    task = {"item_id": needed, "data": review(int(needed.removeprefix("item-")))}
    answer = await both.queue.post(f"/v1/projects/{PROJECT}/tasks", json={"tasks": [task]})
    (receipt,) = answer.json()["tasks"]
    assert (receipt["task_id"], receipt["status"]) == (task_id_for(PROJECT, needed), "existing")
    return needed
