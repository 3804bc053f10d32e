"""Drift of a champion's decisions, from the decision log to the promise."""

from typing import Any

import numpy as np
import pytest

from services.trainer.ledger.retention import delete_expired
from services.trainer.monitoring.drift import service, view
from services.trainer.monitoring.drift.service import accept, watch_drift
from services.trainer.runs.repository import last_change
from services.trainer.tables import DriftWatch
from services.trainer.watch import view as promise_view
from shared.problems import Conflict
from shared.settings import CommonSettings
from tests.harness.trainer_and_queue import PROJECT, review, truth
from tests.harness.trainer_parts import TrainerParts, decision, open_trainer_parts


async def certify(parts: TrainerParts) -> None:
    """Publish v1, and have it certified for 80 % at 90 % confidence."""
    await parts.label(range(1000, 1060), truth)
    await parts.import_reviews(range(100))
    await parts.publish_version()
    await parts.step()
    parts.queue.answer(truth)
    await parts.step()
    parts.clock.advance(minutes=10)


def rows(parts: TrainerParts, start: int, confidences: Any, **changes: Any) -> list[dict[str, Any]]:
    """Rows of the decision log, answered by v1 with these confidences."""
    return [
        decision(
            start + number,
            parts.clock.moment,
            item_id=f"traffic-{start + number}",
            decision="answered",
            reason="confident",
            label="positive",
            suggestion="positive",
            confidence=confidence,
            probabilities={"positive": confidence, "negative": 1 - confidence},
            model_version="v1",
            propensity=0.05,
            data={**review(1), "text": "good " * (1 + (start + number) % 7)},
            **changes,
        )
        for number, confidence in enumerate(confidences)
    ]


async def ship(parts: TrainerParts, start: int, confidences: Any, name: str) -> None:
    await parts.ship(rows(parts, start, confidences), name)
    await parts.read_ledger()
    await look(parts)


async def look(parts: TrainerParts) -> None:
    await watch_drift(parts.resources, parts.project)
    await parts.resources.documents.sync(PROJECT)


async def state(parts: TrainerParts) -> str:
    return (await parts.promise()).versions["v1"].state


async def stored(parts: TrainerParts) -> DriftWatch:
    async with parts.resources.database.reading() as session:
        watch = await session.get(DriftWatch, (PROJECT, "v1"))
    assert watch is not None
    return watch


def usual(size: int) -> Any:
    return np.random.default_rng(1).beta(8, 2, size).round(6).tolist()


def changed(size: int) -> Any:
    return np.random.default_rng(2).beta(3, 3, size).round(6).tolist()


@pytest.mark.parametrize(("setting", "becomes"), [("suspend", "suspended"), ("warn", "warn")])
@pytest.mark.any_database
async def test_severe_drift_ends_the_promise_or_warns_as_the_project_says(
    common: CommonSettings, database_url: str, setting: str, becomes: str
) -> None:
    async with open_trainer_parts(common, database_url) as parts:
        promise = {**parts.project.promise.model_dump(), "on_severe_drift": setting}
        await parts.put_project(promise=promise)
        await certify(parts)
        await ship(parts, 0, usual(900), "quiet")
        found = await view.describe(parts.resources, parts.project)
        assert (found.level, found.items, await state(parts)) == ("quiet", 900, "certified")

        await ship(parts, 900, changed(400), "changed")
        found = await view.describe(parts.resources, parts.project)
        assert (found.level, found.changed, await state(parts)) == ("severe", "confidence", becomes)
        assert found.began_at is not None
        assert found.streams[0].shift is not None
        assert found.streams[0].shift < -0.7
        assert found.accuracy is not None
        assert (found.accuracy.before or 0) > (found.accuracy.recent or 1) + 0.1
        assert {share.label for share in found.labels} == {"positive", "negative"}
        line = (await promise_view.history(parts.resources, PROJECT, 0, 100))[-1]
        assert (line.to_state, line.cause) == (becomes, "drift")
        assert "confidence" in (line.detail or "")
        if becomes == "warn":
            rate = (await parts.promise()).versions["v1"].audit_rate
            assert rate == pytest.approx(10 * parts.project.promise.audit_rate)


@pytest.mark.thorough
@pytest.mark.any_database
async def test_the_begin_of_a_drift_stays_once_its_decisions_are_deleted(
    common: CommonSettings, database_url: str
) -> None:
    async with open_trainer_parts(common, database_url) as parts:
        await certify(parts)
        await ship(parts, 0, usual(900), "quiet")
        await ship(parts, 900, changed(400), "changed")
        parts.clock.advance(minutes=5)
        await ship(parts, 1300, changed(50), "later")
        async with parts.resources.database.reading() as session:
            before = await last_change(session, PROJECT)
        assert before is not None
        assert before.began < before.at
        parts.clock.advance(days=parts.project.retention_days + 1)
        while await delete_expired(parts.resources, parts.project):
            pass
        async with parts.resources.database.reading() as session:
            assert await last_change(session, PROJECT) == before
        found = await view.describe(parts.resources, parts.project)
        assert found.began_at == before.began


@pytest.mark.thorough
async def test_a_replay_in_other_pages_gives_the_same_state_to_the_last_bit(
    common: CommonSettings, database_url: str
) -> None:
    async with open_trainer_parts(common, database_url) as parts:
        await certify(parts)
        confidences = [*usual(700), *changed(300)]
        for start in range(0, 1_000, 137):
            page = confidences[start : start + 137]
            await ship(parts, start, page, f"r-{start:04}")
        before = (await stored(parts)).model_dump(exclude={"updated_at", "alarmed_at"})
        async with parts.resources.database.transaction() as session:
            await session.delete(await session.get_one(DriftWatch, (PROJECT, "v1")))
        await look(parts)
        assert (await stored(parts)).model_dump(exclude={"updated_at", "alarmed_at"}) == before
        assert before["alarm"] is not None


async def test_many_decisions_are_taken_in_over_several_turns(
    common: CommonSettings, sqlite_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(service, "_PAGE", 100)
    monkeypatch.setattr(service, "_PAGES_A_TURN", 2)
    async with open_trainer_parts(common, sqlite_url) as parts:
        await certify(parts)
        await ship(parts, 0, usual(450), "r-1")
        assert (await stored(parts)).items == 200
        assert await watch_drift(parts.resources, parts.project)
        assert not await watch_drift(parts.resources, parts.project)
        assert (await stored(parts)).items == 450


@pytest.mark.any_database
async def test_an_item_that_comes_again_counts_once(
    common: CommonSettings, database_url: str
) -> None:
    async with open_trainer_parts(common, database_url) as parts:
        await certify(parts)
        await ship(parts, 0, usual(50), "first")
        await ship(parts, 0, usual(50), "again")
        assert (await stored(parts)).items == 50


@pytest.mark.any_database
async def test_an_operator_accepts_a_change_and_is_refused_where_it_suspended_the_promise(
    common: CommonSettings, database_url: str
) -> None:
    async with open_trainer_parts(common, database_url) as parts:
        await certify(parts)
        with pytest.raises(Conflict, match="No drift"):
            await accept(parts.resources, parts.project)
        promise = {**parts.project.promise.model_dump(), "on_severe_drift": "warn"}
        await parts.put_project(promise=promise)
        await ship(parts, 0, usual(900), "quiet")
        await ship(parts, 900, changed(400), "changed")
        assert await state(parts) == "warn"
        await accept(parts.resources, parts.project)
        assert await state(parts) == "certified"
        await ship(parts, 1_300, changed(300), "more")
        found = await view.describe(parts.resources, parts.project)
        assert (found.level, found.items) == ("quiet", 300)

        await parts.put_project(promise={**promise, "on_severe_drift": "suspend"})
        await ship(parts, 1_600, usual(600), "back")
        assert await state(parts) == "suspended"
        with pytest.raises(Conflict, match="certify"):
            await accept(parts.resources, parts.project)


@pytest.mark.thorough
async def test_what_changed_before_drift_was_watched_is_no_drift(
    common: CommonSettings, sqlite_url: str
) -> None:
    async with open_trainer_parts(common, sqlite_url) as parts:
        await certify(parts)
        # The release before reads the log, and watches nothing.
        await parts.ship(rows(parts, 0, [*usual(300), *changed(2_100)]), "old")
        await parts.read_ledger()
        parts.clock.advance(minutes=1)
        await look(parts)
        found = await view.describe(parts.resources, parts.project)
        assert (found.level, found.items, await state(parts)) == ("quiet", 2_000, "certified")
        # What changes from now on is found.
        await ship(parts, 3_000, usual(400), "new")
        assert (await view.describe(parts.resources, parts.project)).level in {"drift", "severe"}
