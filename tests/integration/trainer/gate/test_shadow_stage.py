"""The shadow stage: a version that passed is compared on live items before it answers any."""

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any

import pytest

from services.trainer.gate import repository as promotions
from services.trainer.outcomes.service import read_feed
from services.trainer.registry import approvals
from services.trainer.shadow import repository, service
from services.trainer.tables import ShadowStage, Version
from shared.auth import Keys
from shared.settings import CommonSettings
from tests.harness.served_trainer import ROOT, serve_trainer
from tests.harness.trainer_and_queue import PROJECT, review, truth
from tests.harness.trainer_parts import TrainerParts, decision, open_trainer_parts
from tests.integration.trainer.gate.test_gate import history, judged, successor
from tests.integration.trainer.promise.test_certification import wrong
from tests.integration.trainer.promise.test_renewal import certify, suspend

pytestmark = pytest.mark.any_database

SHADOW: dict[str, Any] = {"min_new_labels": 60, "gate": {"shadow": {"labels": 40}}}
FIRST = 5000


@asynccontextmanager
async def in_shadow(
    common: CommonSettings, database_url: str, training: dict[str, Any] = SHADOW
) -> AsyncIterator[TrainerParts]:
    """Open a trainer whose v2 passed every test against v1, and runs in shadow."""
    async with open_trainer_parts(common, database_url, training=training) as parts:
        await certify(parts)
        await successor(parts)
        assert (await judged(parts))["promote"]
        assert (await parts.channels()).champion == "v1"
        parts.queue.now = parts.clock
        yield parts


async def send(parts: TrainerParts, numbers: range, contradicts: int) -> None:
    """Let v1 answer reviews, wrong on every so manieth of them."""
    parts.clock.advance(seconds=1)
    rows = []
    for i in numbers:
        label = wrong(review(i)) if i % contradicts == 0 else truth(review(i))
        answer = {"label": label, "suggestion": label, "confidence": 0.99, "propensity": 0.05}
        told: dict[str, Any] = {**answer, "decision": "answered", "reason": "confident"}
        rows.append(decision(i, parts.clock.moment, model_version="v1", **told))
    await parts.ship(rows, f"live-{numbers.start}")
    await parts.read_ledger()


async def turn(parts: TrainerParts) -> None:
    """Let a turn of the trainer pass."""
    parts.clock.advance(minutes=1)
    await read_feed(parts.resources, PROJECT)
    await service.step(parts.resources, parts.project)
    await parts.resources.posting.post_pending(PROJECT)
    await parts.resources.documents.sync(PROJECT)


async def stage_of(parts: TrainerParts) -> ShadowStage:
    async with parts.resources.database.reading() as session:
        (row,) = await repository.page(session, PROJECT, 0, 10)
    return row


def asked(parts: TrainerParts) -> dict[str, Any]:
    return {i: task for i, task in parts.queue.tasks.items() if task["lane"] == "shadow"}


async def gate_of(parts: TrainerParts) -> dict[str, Any]:
    async with parts.resources.database.reading() as session:
        return (await session.get_one(Version, (PROJECT, "v2"))).gate


async def test_a_version_that_is_right_where_the_two_differ_goes_on(
    common: CommonSettings, database_url: str
) -> None:
    async with in_shadow(common, database_url) as parts:
        await send(parts, range(FIRST, FIRST + 200), contradicts=8)
        await turn(parts)
        await turn(parts)
        tasks = asked(parts)
        assert len(tasks) == 25
        # Nothing tells what either said, and what both say alike is not asked about.
        assert all(task["prediction"] is None for task in tasks.values())
        assert (await stage_of(parts)).items == 200
        assert (await parts.channels()).champion == "v1"
        parts.queue.answer(truth, "shadow")
        await turn(parts)
        assert (await parts.channels()).champion == "v2"
        lines = [(one.kind, one.note) for one in (await history(parts))[-4:]]
        assert lines == [
            ("judged", "certification"),
            ("shadow_stage", None),
            ("judged", "shadow"),
            ("promoted", None),
        ]
        decided = (await gate_of(parts))["shadow"]
        figures = decided["tests"][0]["figures"]
        assert decided["promote"]
        assert (figures["items"], figures["gained"], figures["lost"]) == (200, 25, 0)
        assert figures["evidence_for"] >= figures["needed_for"]


async def test_a_version_that_errs_where_the_two_differ_is_refused(
    common: CommonSettings, database_url: str
) -> None:
    async with in_shadow(common, database_url) as parts:
        await send(parts, range(FIRST, FIRST + 100), contradicts=4)
        await turn(parts)
        parts.queue.answer(wrong, "shadow")
        await turn(parts)
        assert (await stage_of(parts)).state == "refused"
        assert (await parts.channels()).champion == "v1"
        said = (await gate_of(parts))["shadow"]
        assert (said["promote"], said["tests"][0]["outcome"]) == (False, "failed")
        assert "approval" not in await gate_of(parts)
        # Another stage against this champion spends less.
        async with parts.resources.database.reading() as session:
            assert await promotions.stages_against(session, PROJECT, "v1") == 1


@pytest.mark.thorough
async def test_labels_are_bounded_and_an_undecided_stage_waits_for_an_operator(
    common: CommonSettings, sqlite_url: str
) -> None:
    training = {**SHADOW, "gate": {"shadow": {"labels": 10}}}
    async with in_shadow(common, sqlite_url, training) as parts:
        await send(parts, range(FIRST, FIRST + 100), contradicts=5)
        await turn(parts)
        assert len(asked(parts)) == 10
        halves = {name: bool(at % 2) for at, name in enumerate(sorted(asked(parts)))}
        for name, task in asked(parts).items():
            label = truth(task["data"]) if halves[name] else wrong(task["data"])
            parts.queue.resolve(name, task["data"], label, lane="shadow")
        await turn(parts)
        assert (await stage_of(parts)).state == "undecided"
        assert len(asked(parts)) == 10
        found = await gate_of(parts)
        assert (found["approval"]["state"], found["approval"]["undecided"]) == ("waiting", True)
        assert "would let it pass" in found["shadow"]["reasons"][1]
        tools, project = parts.resources, parts.project
        await approvals.approve(tools, project, "v2", actor="op", note=None)
        assert (await parts.channels()).champion == "v2"


@pytest.mark.thorough
async def test_a_turn_that_is_repeated_or_shared_asks_once(
    common: CommonSettings, database_url: str
) -> None:
    async with in_shadow(common, database_url) as parts:
        await send(parts, range(FIRST, FIRST + 60), contradicts=6)
        stage = await stage_of(parts)
        # Two trainers that both saw the stage as it was before.
        await service._score(parts.resources, parts.project, stage)
        await service._score(parts.resources, parts.project, stage)
        assert (await stage_of(parts)).items == 60
        # The same contents again, under other ids.
        rows = [
            decision(i, parts.clock.moment, item_id=f"copy-{i}", suggestion="positive",
                     reason="confident", model_version="v1")
            for i in range(FIRST, FIRST + 60)
        ]  # fmt: skip
        await parts.ship(rows, "copies")
        await parts.read_ledger()
        await turn(parts)
        assert (await stage_of(parts)).items == 60
        assert len(asked(parts)) == 10
        # A crash before the acknowledgement was written posts the same tasks again.
        posts = parts.queue.posts
        await turn(parts)
        assert (len(asked(parts)), parts.queue.posts) == (10, posts)


@pytest.mark.parametrize(
    "act", [approvals.approve, pytest.param(approvals.reject, marks=pytest.mark.thorough)]
)
async def test_an_operator_ends_a_shadow(
    common: CommonSettings, sqlite_url: str, act: Callable[..., Any]
) -> None:
    async with in_shadow(common, sqlite_url) as parts:
        await act(parts.resources, parts.project, "v2", actor="op", note=None)
        await turn(parts)
        stage = await stage_of(parts)
        assert stage.state == "ended"
        assert stage.document is not None
        champion = "v2" if act is approvals.approve else "v1"
        assert (await parts.channels()).champion == champion


@pytest.mark.thorough
async def test_a_champion_without_a_certificate_waits_for_no_shadow(
    common: CommonSettings, sqlite_url: str
) -> None:
    async with in_shadow(common, sqlite_url) as parts:
        await suspend(parts)
        await turn(parts)
        assert (await stage_of(parts)).state == "ended"
        assert (await parts.channels()).champion == "v2"


@pytest.mark.thorough
async def test_verdicts_of_a_shadow_train_no_version(
    common: CommonSettings, sqlite_url: str
) -> None:
    async with in_shadow(common, sqlite_url) as parts:
        await send(parts, range(FIRST, FIRST + 40), contradicts=4)
        await turn(parts)
        parts.queue.answer(truth, "shadow")
        await read_feed(parts.resources, PROJECT)
        await parts.label(range(7000, 7060), truth)
        third = await parts.publish_version()
        assert third is not None
        assert not asked(parts).keys() & set(third.tune["item_ids"])


async def test_figures_of_a_stage_over_http(
    common: CommonSettings, keys: Keys, sqlite_url: str
) -> None:
    async with (
        in_shadow(common, sqlite_url) as parts,
        serve_trainer(common, keys, sqlite_url) as trainer,
    ):
        await send(parts, range(FIRST, FIRST + 40), contradicts=8)
        await turn(parts)
        found = (await trainer.operator.get(f"{ROOT}/shadow-stages")).json()["stages"]
        assert [(one["version"], one["champion"], one["state"]) for one in found] == [
            ("v2", "v1", "running")
        ]
        figures = found[0]["figures"]
        assert (figures["items"], figures["differing"], figures["waiting"]) == (40, 5, 5)
        none: Sequence[Any] = (
            await trainer.operator.get(f"{ROOT}/shadow-stages", params={"version": "v1"})
        ).json()["stages"]
        assert none == []
