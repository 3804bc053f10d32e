"""Certificates are renewed before they expire, and won again after they have ended."""

from datetime import datetime
from typing import Any

import pytest

from services.trainer.outcomes.service import read_feed
from services.trainer.projects.repository import lock_state
from services.trainer.promise import renewal, repository
from services.trainer.promise.renewal import CertificationPending
from services.trainer.registry import repository as registry
from services.trainer.registry import service as versions
from services.trainer.tables import ProjectState, Version
from shared.contracts.base import rfc3339
from shared.contracts.versions import PromiseEntry
from shared.problems import Conflict, NotFound
from shared.settings import CommonSettings
from tests.harness.trainer_and_queue import PROJECT, review, truth
from tests.harness.trainer_parts import TrainerParts, open_trainer_parts
from tests.integration.trainer.promise.test_certification import (
    answer_with_errors,
    drawn_items,
    prepare,
    wrong,
)


async def certify(parts: TrainerParts, pool: int = 300) -> PromiseEntry:
    """Publish v1, and certify it from the pool."""
    await prepare(parts, pool=pool)
    parts.queue.answer(truth)
    await parts.step()
    entry = await entry_of(parts)
    assert entry.state == "certified"
    return entry


async def entry_of(parts: TrainerParts, version: str = "v1") -> PromiseEntry:
    await parts.resources.documents.sync(PROJECT)
    return (await parts.promise()).versions[version]


async def send(parts: TrainerParts, numbers: range, **changes: Any) -> None:
    """Let items arrive that no other test sends."""
    await parts.log_decisions(numbers, f"sent-{numbers.start}", **changes)
    await parts.read_ledger()


async def suspend(parts: TrainerParts, cause: str = "audit_jump", version: str = "v1") -> datetime:
    """Suspend a version as the watch of audits does."""
    async with parts.resources.database.transaction() as session:
        await lock_state(session, PROJECT)
        found = await session.get_one(Version, (PROJECT, version))
        found.suspension = {"cause": cause, "at": rfc3339(parts.clock.moment), "detail": "wrong"}
    return parts.clock.moment


async def state_of(parts: TrainerParts) -> ProjectState:
    async with parts.resources.database.reading() as session:
        return await session.get_one(ProjectState, PROJECT)


async def test_certificate_that_nears_its_expiry_is_renewed_with_no_gap(
    common: CommonSettings, database_url: str
) -> None:
    async with open_trainer_parts(common, database_url) as parts:
        old = await certify(parts)
        assert old.expires_at is not None
        parts.clock.advance(days=20)
        await send(parts, range(3000, 3100))
        await parts.step()
        assert (await parts.certificate()).purpose == "first"
        parts.clock.advance(days=4)
        await parts.step()
        view = await parts.certificate()
        assert (view.state, view.purpose, view.version) == ("open", "renewal", "v1")
        assert view.population["kind"] == "traffic"
        # It is to hold in the next period, and is that one's first test.
        assert view.test_number == 1
        assert (await entry_of(parts)).certificate == old.certificate
        parts.queue.answer(truth, "certification")
        await parts.step()
        new = await entry_of(parts)
        assert new.state == "certified"
        assert new.expires_at is not None
        assert new.expires_at > old.expires_at
        assert new.certificate is not None
        assert new.certificate.population == "traffic"
        await parts.step()
        assert (await parts.certificate()).state == "certified"


@pytest.mark.thorough
async def test_failed_renewal_leaves_the_certificate_until_its_expiry(
    common: CommonSettings, sqlite_url: str
) -> None:
    async with open_trainer_parts(common, sqlite_url) as parts:
        old = await certify(parts)
        parts.clock.advance(days=24)
        await parts.step()
        for _ in range(3):
            assert (await parts.certificate()).purpose == "renewal"
            parts.queue.answer(lambda data: None, "certification")
            await parts.step()
        asked = drawn_items(parts)
        await parts.step()
        assert drawn_items(parts) == asked
        assert (await entry_of(parts)).certificate == old.certificate
        parts.clock.advance(days=6)
        await parts.import_reviews(range(400, 500))
        await parts.step()
        view = await parts.certificate()
        assert (view.state, view.purpose) == ("open", "recovery")
        assert (await entry_of(parts)).state == "expired"
        parts.queue.answer(truth, "certification")
        await parts.step()
        assert (await entry_of(parts)).state == "certified"


@pytest.mark.any_database
async def test_recovery_counts_what_came_after_the_alarm(
    common: CommonSettings, database_url: str
) -> None:
    async with open_trainer_parts(common, database_url) as parts:
        await certify(parts)
        parts.clock.advance(days=1)
        await send(parts, range(3000, 3100))
        parts.clock.advance(days=1)
        alarm = await suspend(parts)
        await parts.step()
        view = await parts.certificate()
        assert (view.state, view.purpose) == ("waiting", "recovery")
        # The pool, and traffic from before, are no evidence about what the audit found.
        assert "traffic has 0 new items" in view.detail
        assert (await entry_of(parts)).state == "suspended"
        parts.clock.advance(minutes=1)
        await send(parts, range(3200, 3300))
        await parts.step()
        view = await parts.certificate()
        assert (view.state, view.test_number) == ("open", 1)
        assert drawn_items(parts) - {f"item-{i}" for i in range(300)} <= {
            f"item-{i}" for i in range(3200, 3300)
        }
        assert (await entry_of(parts)).state == "recertifying"
        began_at = (await state_of(parts)).period_began_at
        assert began_at is not None
        assert began_at > alarm
        parts.queue.answer(truth, "certification")
        await parts.step()
        entry = await entry_of(parts)
        assert entry.state == "certified"
        assert entry.certificate is not None
        assert entry.certificate.window is not None
        assert entry.certificate.window.since > alarm


@pytest.mark.thorough
async def test_recovery_looks_again_however_long_the_ledger_is(
    common: CommonSettings, sqlite_url: str
) -> None:
    async with open_trainer_parts(common, sqlite_url) as parts:
        await certify(parts)
        await send(parts, range(10_000, 12_000))
        parts.clock.advance(hours=2)
        await suspend(parts)
        await parts.step()
        assert (await parts.certificate()).state == "waiting"
        parts.clock.advance(minutes=1)
        # Less than a twentieth of the ledger, and enough for a draw.
        await send(parts, range(3200, 3260))
        await parts.step()
        assert (await parts.certificate()).state == "open"


@pytest.mark.thorough
async def test_failed_recovery_leaves_the_version_suspended(
    common: CommonSettings, sqlite_url: str
) -> None:
    async with open_trainer_parts(common, sqlite_url, promise={"certification_draws": 1}) as parts:
        await certify(parts)
        await suspend(parts)
        parts.clock.advance(minutes=1)
        await send(parts, range(3200, 3300))
        await parts.step()
        assert (await entry_of(parts)).state == "recertifying"
        parts.queue.answer(wrong, "certification")
        await parts.step()
        assert (await entry_of(parts)).state == "suspended"
        await parts.step()
        assert (await parts.certificate()).state == "failed"


@pytest.mark.thorough
@pytest.mark.parametrize("is_wrong", [True, False])
async def test_recovery_is_not_begun_while_people_contradict_the_version(
    is_wrong: bool, common: CommonSettings, sqlite_url: str
) -> None:
    async with open_trainer_parts(common, sqlite_url) as parts:
        await certify(parts)
        parts.clock.advance(minutes=1)
        await suspend(parts)
        parts.clock.advance(minutes=1)
        await send(parts, range(3200, 3300))
        opinion = wrong if is_wrong else truth
        for number in range(3200, 3240):
            data = review(number)
            parts.queue.resolve(
                f"item-{number}",
                data,
                opinion(data),
                lane="mandatory",
                resolved_at=rfc3339(parts.clock.moment),
                prediction={"model_version": "v1", "label": truth(data), "confidence": 1.0},
            )
        await read_feed(parts.resources, PROJECT)
        await parts.step()
        view = await parts.certificate()
        if not is_wrong:
            assert (view.state, view.purpose) == ("open", "recovery")
            return
        assert (view.state, view.purpose) == ("waiting", "recovery")
        assert "people contradicted v1 on 40 of 40 items since the alarm" in (view.detail or "")
        for number in range(3500, 3700):
            data = review(number)
            parts.queue.resolve(f"item-{number}", data, truth(data), lane="mandatory")
        await read_feed(parts.resources, PROJECT)
        # The next version has more right labels than wrong ones; its test is the period's first.
        await parts.publish_version()
        parts.clock.advance(minutes=1)
        await send(parts, range(3400, 3500))
        await parts.step()
        view = await parts.certificate()
        assert (view.version, view.state, view.test_number) == ("v2", "open", 1)


async def test_certificate_drawn_before_an_alarm_lifts_no_suspension(
    common: CommonSettings, sqlite_url: str
) -> None:
    async with open_trainer_parts(common, sqlite_url) as parts:
        await certify(parts)
        parts.clock.advance(days=24)
        await parts.step()
        assert (await parts.certificate()).purpose == "renewal"
        await suspend(parts)
        parts.queue.answer(truth, "certification")
        await parts.step()
        assert (await entry_of(parts)).state == "suspended"
        view = await parts.certificate()
        assert (view.state, view.attempt) == ("waiting", 2)
        assert "traffic has 0 new items" in view.detail


async def test_suspension_that_passes_calls_for_no_recovery(
    common: CommonSettings, sqlite_url: str
) -> None:
    async with open_trainer_parts(common, sqlite_url) as parts:
        await certify(parts)
        await suspend(parts, "audit_overdue")
        await parts.step()
        assert (await parts.certificate()).purpose == "first"
        assert (await entry_of(parts)).state == "suspended"


@pytest.mark.any_database
async def test_edited_project_is_certified_anew(common: CommonSettings, database_url: str) -> None:
    async with open_trainer_parts(common, database_url) as parts:
        await certify(parts)
        await send(parts, range(3000, 3100))
        parts.clock.advance(minutes=1)
        await parts.put_project(instructions="Judge the seller, not the toy.")
        await parts.step()
        assert (await entry_of(parts)).state == "uncertified"
        view = await parts.certificate()
        assert (view.state, view.purpose, view.test_number) == ("open", "recovery", 2)
        # Answers to items of before the edit answer another question.
        assert view.population["kind"] == "pool"
        parts.queue.answer(truth, "certification")
        await parts.step()
        assert (await entry_of(parts)).state == "certified"


@pytest.mark.thorough
async def test_newer_version_follows_an_alarm_on_traffic_of_afterwards(
    common: CommonSettings, sqlite_url: str
) -> None:
    async with open_trainer_parts(common, sqlite_url) as parts:
        await certify(parts)
        parts.clock.advance(days=1)
        await suspend(parts)
        await parts.step()
        await parts.label(range(2000, 2060), truth)
        await parts.publish_version()
        await parts.step()
        view = await parts.certificate()
        assert (view.version, view.state, view.purpose) == ("v2", "waiting", "first")
        assert "pool" not in view.detail
        parts.clock.advance(minutes=1)
        await send(parts, range(3200, 3300))
        await parts.step()
        parts.queue.answer(truth, "certification")
        await parts.step()
        assert (await entry_of(parts, "v2")).state == "certified"
        assert (await parts.channels()).champion == "v2"


@pytest.mark.thorough
async def test_champion_whose_audit_failed_holds_no_successor_back(
    common: CommonSettings, sqlite_url: str
) -> None:
    async with open_trainer_parts(common, sqlite_url) as parts:
        await certify(parts)
        await parts.label(range(2000, 2060), truth)
        await parts.publish_version()
        parts.clock.advance(minutes=1)
        await send(parts, range(3200, 3300))
        await parts.step()
        view = await parts.certificate()
        assert (view.version, view.state) == ("v2", "open")
        parts.clock.advance(minutes=1)
        await suspend(parts)
        parts.queue.answer(truth, "certification")
        await parts.step()
        # What was drawn before the alarm certifies no version.
        view = await parts.certificate()
        assert (view.version, view.state, view.attempt) == ("v2", "waiting", 2)
        parts.clock.advance(minutes=1)
        await send(parts, range(3400, 3500))
        await parts.step()
        # The champion would answer everything, and its successor nearly nothing.
        async with parts.resources.database.transaction() as session:
            record = (await repository.pending(session, PROJECT))[0]
            more = {"champion": "v1", "champion_coverage": 2.0}
            record.population = {**(record.population or {}), **more}
        parts.queue.answer(truth, "certification")
        await parts.step()
        async with parts.resources.database.reading() as session:
            version = await registry.find(session, PROJECT, "v2")
        assert version is not None
        judged = version.gate["certification"]
        assert (judged["promote"], judged["coverage_lost"], judged["tests"]) == (True, 0.0, [])
        assert judged["reasons"] == ["certified, and the champion is not"]
        assert (await parts.channels()).champion == "v2"


async def test_operator_asks_for_a_certification(common: CommonSettings, sqlite_url: str) -> None:
    async with open_trainer_parts(common, sqlite_url) as parts:
        with pytest.raises(Conflict, match="no version yet"):
            await renewal.request(parts.resources, parts.project, None)
        await certify(parts)
        with pytest.raises(NotFound):
            await renewal.request(parts.resources, parts.project, "v7")
        await renewal.request(parts.resources, parts.project, None)
        with pytest.raises(CertificationPending, match="waits for its items"):
            await renewal.request(parts.resources, parts.project, "v1")
        await parts.step()
        with pytest.raises(CertificationPending, match="waits for its reviewers"):
            await renewal.request(parts.resources, parts.project, "v1")
        view = await parts.certificate()
        assert (view.purpose, view.state, view.test_number) == ("requested", "open", 2)
        parts.queue.answer(truth, "certification")
        await parts.step()
        assert (await parts.certificate()).state == "certified"


async def test_retired_version_is_certified_on_no_request(
    common: CommonSettings, sqlite_url: str
) -> None:
    async with open_trainer_parts(common, sqlite_url, training={"auto_promote": False}) as parts:
        await certify(parts)
        await parts.label(range(2000, 2010), truth)
        await parts.publish_version()
        await versions.retire(parts.resources, parts.project, "v2", "op")
        with pytest.raises(Conflict, match="retired"):
            await renewal.request(parts.resources, parts.project, "v2")


async def test_spent_label_budget_waits_for_the_next_period(
    common: CommonSettings, sqlite_url: str
) -> None:
    promise = {"label_budget_per_period": 100}
    async with open_trainer_parts(common, sqlite_url, promise=promise) as parts:
        await prepare(parts, pool=300)
        for _ in range(2):
            answer_with_errors(parts, 7)
            await parts.step()
        view = await parts.certificate()
        assert (view.state, view.attempt) == ("waiting", 3)
        assert "80 of 100 labels were asked for, and a draw takes 40" in view.detail
        assert len(drawn_items(parts)) == 80
        parts.clock.advance(days=30)
        # A look is taken when there is more to look at.
        await parts.import_reviews(range(300, 400))
        await parts.step()
        view = await parts.certificate()
        assert (view.state, view.test_number) == ("open", 1)


@pytest.mark.thorough
async def test_renewal_waits_its_turn_behind_an_open_certification(
    common: CommonSettings, sqlite_url: str
) -> None:
    async with open_trainer_parts(common, sqlite_url) as parts:
        await certify(parts)
        parts.clock.advance(days=22)
        await parts.label(range(2000, 2060), truth)
        await parts.publish_version()
        await parts.step()
        assert (await parts.certificate()).version == "v2"
        parts.clock.advance(days=1)
        await parts.step()
        view = await parts.certificate()
        assert (view.version, view.purpose, view.state) == ("v1", "renewal", "waiting")
        # v2 is certified, and makes the renewal of the version before it unnecessary.
        parts.queue.answer(truth, "certification")
        await parts.step()
        assert (await parts.channels()).champion == "v2"
        view = await parts.certificate()
        assert (view.state, view.detail) == ("cancelled", "v2 serves in its place")
