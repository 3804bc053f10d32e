"""What begins a run, which mode it has, and what its snapshot records of the labels."""

from datetime import timedelta

import pytest

from services.trainer.datasets import service as datasets
from services.trainer.monitoring.relabel import service as relabel
from services.trainer.outcomes.service import read_feed
from services.trainer.projects.repository import lock_state
from services.trainer.runs import due, service
from services.trainer.runs.messages import RunRequest
from services.trainer.selection.messages import BatchRequest
from services.trainer.selection.service import ask_batch
from services.trainer.tables import PromiseChange
from shared.contracts.base import rfc3339
from shared.settings import CommonSettings
from tests.harness.trainer_and_queue import PROJECT, review, truth
from tests.harness.trainer_parts import TrainerParts, decision, open_trainer_parts


async def cause(parts: TrainerParts) -> due.Cause | None:
    async with parts.resources.database.transaction() as session:
        state = await lock_state(session, PROJECT)
        return await due.cause_to_begin(session, parts.project, state, parts.clock.moment)


async def mode(parts: TrainerParts, wanted: str | None = None) -> due.Mode:
    async with parts.resources.database.transaction() as session:
        return await due.choose(session, await lock_state(session, PROJECT), wanted)


async def suspend(parts: TrainerParts) -> None:
    async with parts.resources.database.transaction() as session:
        await lock_state(session, PROJECT)
        change = PromiseChange(
            project=PROJECT,
            at=parts.clock.moment,
            version="v1",
            from_state="certified",
            to_state="suspended",
            cause="audit_violated",
        )
        session.add(change)


async def label_now(parts: TrainerParts, numbers: range, lane: str = "mandatory") -> None:
    moment = rfc3339(parts.clock.moment)
    for number in numbers:
        data = review(number)
        parts.queue.resolve(
            f"item-{number}", data, truth(data), lane=lane, propensity=0.5, resolved_at=moment
        )
    await read_feed(parts.resources, PROJECT)


async def test_the_state_of_the_project_chooses_the_mode(
    common: CommonSettings, sqlite_url: str
) -> None:
    async with open_trainer_parts(common, sqlite_url) as parts:
        await parts.label(range(60), truth)
        assert (await mode(parts)).name == "initial"
        version = await parts.publish_version()
        parts.clock.advance(minutes=1)
        assert await mode(parts) == due.Mode("active", "no change was found since v1 was trained")
        await suspend(parts)
        found = await mode(parts)
        assert found.name == "fine_tune"
        assert "audits suspended the promise" in found.reason
        assert (await mode(parts, "active")).name == "active"
        run = await service.describe(parts.resources, PROJECT, version.run_id)
        assert (run.mode, run.cause) == ("initial", "operator")
        assert run.reason == "tests asked for it; initial: no version serves yet"


async def test_labels_the_clock_or_an_answered_plan_begin_a_run(
    common: CommonSettings, sqlite_url: str
) -> None:
    training = {"min_new_labels": 50, "every_hours": 2}
    async with open_trainer_parts(common, sqlite_url, training=training) as parts:
        await parts.label(range(60), truth)
        begun = await cause(parts)
        assert begun is not None
        assert (begun.name, begun.words) == ("labels", "60 new labels (min_new_labels is 50)")
        assert await parts.train_if_due() is not None
        lines = [
            decision(
                number,
                parts.clock.moment,
                decision="answered",
                reason="confident",
                label="positive",
                suggestion="positive",
                confidence=0.9,
                probabilities={"positive": 0.9, "negative": 0.1},
                propensity=0.05,
                model_version="v1",
            )
            for number in range(1_000, 1_100)
        ]
        await parts.ship(lines, "r-1")
        await parts.read_ledger()
        # The clock alone begins nothing: the labels are used up.
        parts.clock.advance(hours=3)
        assert await cause(parts) is None
        await label_now(parts, range(200, 203))
        begun = await cause(parts)
        assert begun is not None
        assert begun.name == "schedule"
        await parts.put_project(training=training | {"every_hours": None})
        assert await cause(parts) is None

        await suspend(parts)
        parts.clock.advance(minutes=1)
        plan = await relabel.make(parts.resources, parts.project, 10)
        await relabel.start(parts.resources, parts.project, plan.plan_id)
        asked = [task["item_id"] for task in parts.queue.tasks.values()]
        assert len(asked) == 10
        for item_id in asked[:-1]:
            await label_now(parts, range(int(item_id[5:]), int(item_id[5:]) + 1), "relabel")
        assert await cause(parts) is None
        last = int(asked[-1][5:])
        await label_now(parts, range(last, last + 1), "relabel")
        begun = await cause(parts)
        assert begun is not None
        assert begun.name == "drift"
        assert "all 10 items of the relabel plan" in begun.words
        version = await parts.train_if_due()
        assert version is not None
        run = await service.describe(parts.resources, PROJECT, version.run_id)
        assert (run.mode, run.cause) == ("fine_tune", "drift")
        # What a run has used begins no other one, whether its version serves or not.
        assert await cause(parts) is None


async def test_a_first_run_waits_while_reviewers_disagree(
    common: CommonSettings, sqlite_url: str
) -> None:
    training = {"min_new_labels": 50}
    async with open_trainer_parts(common, sqlite_url, training=training) as parts:
        await parts.label(range(60), truth)
        parts.queue.human_error = {"compared": 60, "disagreed": 40}
        with pytest.raises(service.LabelsNotReady) as refused:
            await service.request(parts.resources, parts.project, RunRequest(), "op")
        assert [one["check"] for one in refused.value.extensions["missing"]] == ["agreement"]
        assert await parts.train_if_due() is None
        run = await service.request(parts.resources, parts.project, RunRequest(mode="active"), "op")
        await service.cancel(parts.resources, PROJECT, run.run_id)
        parts.queue.human_error = {"compared": 60, "disagreed": 4}
        assert await parts.train_if_due() is not None


async def test_a_snapshot_records_chances_folds_and_what_changed(
    common: CommonSettings, sqlite_url: str
) -> None:
    async with open_trainer_parts(common, sqlite_url) as parts:
        await parts.import_reviews(range(400))
        batch = BatchRequest(strategy="random", size=40)
        await ask_batch(parts.resources, parts.project, batch, "op")
        parts.queue.answer(truth)
        await read_feed(parts.resources, PROJECT)
        parts.clock.advance(minutes=1)
        change = parts.clock.moment - timedelta(seconds=30)
        await label_now(parts, range(1_000, 1_020))
        before, _ = await datasets.freeze(parts.resources, parts.project, "initial")
        frozen, _ = await datasets.freeze(parts.resources, parts.project, "fine_tune", change)
        rows = await datasets.load(parts.resources, frozen)
        pool = [row for row in rows if row.lane == "pool"]
        assert {row.propensity for row in pool} == {0.1}
        assert {(row.source, row.verdicts, row.instructions_revision) for row in rows} == {
            ("human", 1, 1)
        }
        assert [row.is_new for row in rows] == [row.lane == "mandatory" for row in rows]
        assert {row.fold for row in rows} == set(range(5))
        assert sum(row.weight for row in rows) == pytest.approx(len(rows), abs=1e-3)
        assert {row.weight for row in await datasets.load(parts.resources, before)} == {1.0}
        found = await datasets.diff(parts.resources, PROJECT, frozen.dataset_id, before.dataset_id)
        assert (found.added, found.removed, found.relabelled) == (0, 0, 0)
        assert found.policy is not None
        assert found.against_policy is not None
        assert (found.policy.mode, found.against_policy.mode) == ("fine_tune", "initial")
        assert (found.policy.new_items, found.policy.lanes["pool"]) == (20, len(pool))
        assert (found.policy.folds, found.policy.instructions) == (5, {"1": len(rows)})
