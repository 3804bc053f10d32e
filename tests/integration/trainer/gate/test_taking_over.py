"""Approvals, canaries by stages, and the way back after an alarm."""

from typing import Any

import pytest

from services.trainer.outcomes.service import read_feed
from services.trainer.registry import approvals, service
from services.trainer.registry.approvals import NoApprovalWaiting
from services.trainer.registry.messages import CanaryRequest
from services.trainer.tables import Version
from services.trainer.watch.audits import watch_audits
from services.trainer.watch.staging import step_stages
from shared.settings import CommonSettings
from tests.harness.trainer_and_queue import PROJECT, review, truth
from tests.harness.trainer_parts import TrainerParts, decision, open_trainer_parts
from tests.integration.trainer.gate.test_gate import history, judged, successor
from tests.integration.trainer.promise.test_renewal import certify, suspend

pytestmark = pytest.mark.any_database

CANARY = {"gate": {"canary": [0.05, 0.25], "canary_audits": 6}, "min_new_labels": 60}


async def gate_of(parts: TrainerParts, name: str) -> dict[str, Any]:
    async with parts.resources.database.reading() as session:
        return (await session.get_one(Version, (PROJECT, name))).gate


async def audited(
    parts: TrainerParts, numbers: range, version: str, *, wrong: bool = False
) -> None:
    """Let audited answers of a version arrive, and their reviews; then look at them."""
    rows = []
    for i in numbers:
        label = truth(review(i))
        answer = ("negative" if label == "positive" else "positive") if wrong else label
        row = decision(
            i,
            parts.clock.moment,
            decision="answered",
            label=answer,
            suggestion=answer,
            reason="confident",
            confidence=0.99,
            audited=True,
            propensity=1.0,
            model_version=version,
        )
        rows.append(row)
        parts.queue.resolve(f"item-{i}", review(i), label, lane="audit")
    await parts.ship(rows, f"audits-{numbers.start}")
    await parts.read_ledger()
    await read_feed(parts.resources, PROJECT)
    await watch_audits(parts.resources, parts.project)
    await step_stages(parts.resources, parts.project)
    await parts.resources.documents.sync(PROJECT)


async def test_a_version_that_passed_waits_for_an_operators_yes(
    common: CommonSettings, database_url: str
) -> None:
    async with open_trainer_parts(common, database_url, training={"auto_promote": False}) as parts:
        tools, project = parts.resources, parts.project
        await certify(parts)
        with pytest.raises(NoApprovalWaiting, match="needs no approval"):
            await approvals.approve(tools, project, "v1", actor="op", note=None)
        await successor(parts)
        assert (await judged(parts))["promote"]
        assert (await parts.channels()).champion == "v1"
        assert (await gate_of(parts, "v2"))["approval"]["state"] == "waiting"
        view = await approvals.approve(tools, project, "v2", actor="op", note="looks well")
        assert view.channels == ["champion"]
        assert (await parts.channels()).champion == "v2"
        approved, promoted = (await history(parts))[-2:]
        assert (approved.kind, approved.actor, approved.note) == ("approved", "op", "looks well")
        assert (promoted.kind, promoted.champion, promoted.actor) == ("promoted", "v1", "op")
        with pytest.raises(NoApprovalWaiting, match="approved already"):
            await approvals.reject(tools, project, "v2", actor="op", note=None)


async def test_a_rejected_version_does_not_serve_unless_it_is_promoted_by_hand(
    common: CommonSettings, sqlite_url: str
) -> None:
    async with open_trainer_parts(common, sqlite_url, training={"auto_promote": False}) as parts:
        tools, project = parts.resources, parts.project
        await certify(parts)
        await successor(parts)
        await judged(parts)
        await approvals.reject(tools, project, "v2", actor="op", note="too slow")
        with pytest.raises(NoApprovalWaiting, match="was rejected"):
            await approvals.approve(tools, project, "v2", actor="op", note=None)
        rejected = (await gate_of(parts, "v2"))["approval"]
        assert (rejected["state"], rejected["note"]) == ("rejected", "too slow")
        assert (await service.promote(tools, project, "v2", "op")).champion == "v2"


@pytest.mark.thorough
async def test_an_approval_is_void_once_another_version_serves(
    common: CommonSettings, sqlite_url: str
) -> None:
    training = {"auto_promote": False, "gate": {"margin": 0.2}}
    async with open_trainer_parts(common, sqlite_url, training=training) as parts:
        tools, project = parts.resources, parts.project
        await certify(parts, pool=400)
        await successor(parts)
        await judged(parts)
        await successor(parts, 2100, "v3")
        await judged(parts, "v3")
        await approvals.approve(tools, project, "v3", actor="op", note=None)
        with pytest.raises(NoApprovalWaiting, match="no longer serves"):
            await approvals.approve(tools, project, "v2", actor="op", note=None)


async def test_a_canary_gets_its_shares_one_after_the_other(
    common: CommonSettings, database_url: str
) -> None:
    async with open_trainer_parts(common, database_url, training=CANARY) as parts:
        await certify(parts)
        await successor(parts)
        await judged(parts)
        channels = await parts.channels()
        assert (channels.champion, channels.challenger and channels.challenger.share) == (
            "v1",
            0.05,
        )
        parts.clock.advance(minutes=1)
        await audited(parts, range(5000, 5005), "v2")
        assert (await parts.channels()) == channels
        await audited(parts, range(5005, 5007), "v2")
        challenger = (await parts.channels()).challenger
        assert challenger is not None
        assert challenger.share == 0.25
        await audited(parts, range(5007, 5012), "v2")
        assert (await parts.channels()).champion == "v1"
        await audited(parts, range(5012, 5020), "v2")
        channels = await parts.channels()
        assert (channels.champion, channels.previous, channels.challenger) == ("v2", "v1", None)
        lines = await history(parts, "canary", "promoted")
        assert [(one.kind, (one.document or {}).get("share")) for one in lines] == [
            ("promoted", None),
            ("canary", 0.05),
            ("canary", 0.25),
            ("promoted", None),
        ]
        assert lines[-1].note == "0 of 20 audited answers were wrong"
        assert "canary" not in await gate_of(parts, "v2")


@pytest.mark.thorough
async def test_a_canary_whose_audit_alarms_loses_its_share(
    common: CommonSettings, sqlite_url: str
) -> None:
    async with open_trainer_parts(common, sqlite_url, training=CANARY) as parts:
        await certify(parts)
        await successor(parts)
        await judged(parts)
        parts.clock.advance(minutes=1)
        await audited(parts, range(5000, 5030), "v2", wrong=True)
        channels = await parts.channels()
        assert (channels.champion, channels.challenger) == ("v1", None)
        (ended,) = await history(parts, "canary_ended")
        assert ended.note is not None
        assert "audited answers were wrong" in ended.note


@pytest.mark.thorough
async def test_a_share_that_an_operator_sets_stays(common: CommonSettings, sqlite_url: str) -> None:
    async with open_trainer_parts(common, sqlite_url, training=CANARY) as parts:
        await certify(parts)
        await successor(parts)
        await judged(parts)
        request = CanaryRequest(version="v2", share=0.1)
        await service.canary(parts.resources, parts.project, request, "op")
        parts.clock.advance(minutes=1)
        await audited(parts, range(5000, 5020), "v2")
        challenger = (await parts.channels()).challenger
        assert challenger is not None
        assert challenger.share == 0.1


@pytest.mark.parametrize("wanted", [True, False])
async def test_a_champion_that_its_audit_suspends_gives_way_if_the_project_wants_it(
    common: CommonSettings, sqlite_url: str, wanted: bool
) -> None:
    training = {"gate": {"rollback_on_alarm": wanted}}
    async with open_trainer_parts(common, sqlite_url, training=training) as parts:
        await certify(parts)
        await successor(parts)
        await judged(parts)
        assert (await parts.channels()).champion == "v2"
        await suspend(parts, version="v2")
        for _ in range(2):
            await step_stages(parts.resources, parts.project)
        await parts.resources.documents.sync(PROJECT)
        assert (await parts.channels()).champion == ("v1" if wanted else "v2")
        assert len(await history(parts, "rolled_back")) == int(wanted)


async def test_drift_gives_no_older_version_the_items_that_changed(
    common: CommonSettings, sqlite_url: str
) -> None:
    training = {"gate": {"rollback_on_alarm": True}}
    async with open_trainer_parts(common, sqlite_url, training=training) as parts:
        await certify(parts)
        await successor(parts)
        await judged(parts)
        await suspend(parts, version="v2", cause="drift")
        await step_stages(parts.resources, parts.project)
        await parts.resources.documents.sync(PROJECT)
        assert (await parts.channels()).champion == "v2"
