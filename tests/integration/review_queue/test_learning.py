"""What verdicts tell of reviewers decides when one more opinion is not worth it."""

from pathlib import Path

from services.review_queue.app import MIGRATIONS, webhook_sender
from services.review_queue.messages import VerdictOnBehalf
from services.review_queue.rooms import Rooms, furnish
from services.review_queue.settings import ReviewQueueSettings
from shared.contracts.base import task_id_for
from shared.contracts.projects import ProjectSpec
from shared.contracts.tasks import TaskProgress
from shared.db import Database
from shared.doorbells import Doorbells
from shared.store import Store
from tests.integration.review_queue.desk import PROJECT, Clock


async def answer(rooms: Rooms, item_id: str, reviewer: str, label: str) -> TaskProgress:
    body = VerdictOnBehalf(reviewer=reviewer, label=label)
    return await rooms.corrections.record("shop", task_id_for("shop", item_id), body, "op")


async def post(rooms: Rooms, *item_ids: str) -> None:
    entries = [{"item_id": item_id, "data": {"text": item_id}} for item_id in item_ids]
    await rooms.intake.enqueue("shop", entries, "op")


async def test_good_reviewers_outvote_a_bad_one_once_they_are_known(
    database_url: str, tmp_path: Path, clock: Clock
) -> None:
    database = Database(database_url)
    await database.migrate(MIGRATIONS)
    rooms = furnish(
        database,
        Doorbells(""),
        Store(tmp_path.as_uri()),
        webhook_sender(ReviewQueueSettings(), clock),
        now=clock,
        nudge=lambda: None,
        poll_seconds=0.01,
    )
    spec = PROJECT | {"review": {"overlap": 2, "max_overlap": 7}}
    await rooms.projects.put("shop", ProjectSpec.model_validate(spec), None)
    assert await rooms.known.refresh() == 0
    past = [f"past-{number}" for number in range(50)]
    await post(rooms, *past, "before", "after")
    for number, item_id in enumerate(past):
        right, wrong = ("positive", "negative")[:: 1 - 2 * (number % 2)]
        # Each is answered against him: the lead rule asks four people.
        for reviewer, label in (("a", right), ("bad", wrong), ("b", right), ("c", right)):
            progress = await answer(rooms, item_id, reviewer, label)
        assert progress.outcome is not None

    async def three(item_id: str) -> TaskProgress:
        await answer(rooms, item_id, "a", "positive")
        await answer(rooms, item_id, "bad", "negative")
        return await answer(rooms, item_id, "b", "positive")

    assert (await three("before")).outcome is None
    # A minute has not passed yet; then it learns, and once only from the same verdicts.
    assert await rooms.known.refresh() == 0
    clock.turn(61)
    assert await rooms.known.refresh() == 1
    outcome = (await three("after")).outcome
    assert outcome is not None
    assert (outcome.label, outcome.source) == ("positive", "consensus")
    clock.turn(61)
    assert await rooms.known.refresh() == 1
    clock.turn(61)
    assert await rooms.known.refresh() == 0
    await database.dispose()
