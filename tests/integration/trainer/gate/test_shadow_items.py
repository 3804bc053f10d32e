"""Which items a shadow stage counts, whose verdicts count, and what becomes of its tasks."""

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select
from sqlmodel import col

from services.trainer.datasets.service import load
from services.trainer.outcomes.service import read_feed
from services.trainer.queue_client import QueueAway
from services.trainer.registry import approvals
from services.trainer.shadow import repository, service
from services.trainer.tables import (
    Certification,
    CertificationItem,
    Dataset,
    LedgerRow,
    ShadowItem,
    ShadowStage,
    Version,
)
from shared.contracts.base import rfc3339
from shared.settings import CommonSettings
from tests.harness.trainer_and_queue import PROJECT, review, truth
from tests.harness.trainer_parts import TrainerParts, decision
from tests.integration.trainer.gate.test_shadow_stage import (
    FIRST,
    asked,
    in_shadow,
    send,
    stage_of,
    turn,
)
from tests.integration.trainer.promise.test_certification import wrong

pytestmark = pytest.mark.thorough


async def send_items(parts: TrainerParts, items: dict[int, str], **changes: Any) -> None:
    """Let v1 answer reviews wrongly, under ids of their own."""
    parts.clock.advance(seconds=1)
    told: dict[str, Any] = {"decision": "answered", "reason": "confident", **changes}
    rows = [
        decision(i, parts.clock.moment, item_id=item_id, model_version="v1",
                 suggestion=wrong(review(i)), label=wrong(review(i)), **told)
        for i, item_id in items.items()
    ]  # fmt: skip
    await parts.ship(rows, f"items-{min(items)}")
    await parts.read_ledger()


async def figures(parts: TrainerParts) -> dict[str, Any]:
    async with parts.resources.database.reading() as session:
        (stage,) = await repository.page(session, PROJECT, 0, 10)
        return await service.stage_figures(session, parts.project, stage)


async def add_by_hand(parts: TrainerParts, stage_id: str | None = None) -> None:
    """Let a stage have all decisions on items of the ledger as disagreements."""
    stage = await stage_of(parts) if stage_id is None else None
    async with parts.resources.database.transaction() as session:
        query = select(LedgerRow).where(col(LedgerRow.model_version) == "v1")
        items = [
            {
                "stage_id": stage_id if stage is None else stage.stage_id,
                "content_hash": row.content_hash,
                "project": PROJECT,
                "item_id": row.item_id,
                "place": row.id,
                "champion_label": row.row["label"],
                "label": truth(row.row["data"]),
                "differs": True,
                "posted": False,
                "refused": None,
            }
            for row in (await session.execute(query)).scalars()
        ]
        await repository.add_items(session, items)


async def shadow_items(parts: TrainerParts) -> list[ShadowItem]:
    async with parts.resources.database.reading() as session:
        query = select(ShadowItem).order_by(col(ShadowItem.place), col(ShadowItem.stage_id))
        return list((await session.execute(query)).scalars())


async def test_two_contents_of_one_item_are_erased(
    common: CommonSettings, database_url: str
) -> None:
    async with in_shadow(common, database_url) as parts:
        await send_items(parts, {FIRST: "twice", FIRST + 1: "twice"})
        await add_by_hand(parts)
        parts.queue.resolve("twice", {}, None, lane="shadow", verdicts=0, erased=True)
        await read_feed(parts.resources, PROJECT)
        places = [(one.place, one.content_hash) for one in await shadow_items(parts)]
        assert len(places) == 2
        assert all(content == f"erased:{place}" for place, content in places)
        assert (await figures(parts))["unusable"] == 2


async def test_an_item_id_counts_once_in_a_stage(common: CommonSettings, sqlite_url: str) -> None:
    async with in_shadow(common, sqlite_url) as parts:
        await send_items(parts, {FIRST: "twice", FIRST + 1: "twice", FIRST + 2: "once"})
        await turn(parts)
        await send_items(parts, {FIRST + 10: "once", FIRST + 11: "new"})
        await turn(parts)
        assert {name: task["data"] for name, task in asked(parts).items()} == {
            "twice": review(FIRST),
            "once": review(FIRST + 2),
            "new": review(FIRST + 11),
        }
        assert (await figures(parts))["differing"] == (await stage_of(parts)).items == 3


async def test_a_content_that_trained_the_version_is_left_out(
    common: CommonSettings, sqlite_url: str
) -> None:
    async with in_shadow(common, sqlite_url) as parts:
        async with parts.resources.database.reading() as session:
            version = await session.get_one(Version, (PROJECT, "v2"))
            dataset = await session.get_one(Dataset, (PROJECT, version.dataset_id))
        trained = [item.data for item in (await load(parts.resources, dataset))[:2]]
        number, later = (at for at in range(FIRST) if review(at) in trained)
        await send_items(parts, {number: "again", FIRST: "new"})
        await turn(parts)
        assert set(asked(parts)) == {"new"}
        # The stage reads the snapshot once, and its end leaves nothing of it.
        await parts.resources.store.delete(dataset.path)
        await send_items(parts, {later: "once more", FIRST + 1: "newer"})
        await turn(parts)
        assert set(asked(parts)) == {"new", "newer"}
        await approvals.reject(parts.resources, parts.project, "v2", actor="op", note=None)
        await turn(parts)
        assert parts.resources.trained_on == {}


async def test_a_verdict_counts_on_the_same_content_since_the_stage_began(
    common: CommonSettings, database_url: str
) -> None:
    async with in_shadow(common, database_url) as parts:
        before: dict[str, Any] = {
            "resolved_at": rfc3339((await stage_of(parts)).began_at - timedelta(seconds=1))
        }
        parts.clock.advance(seconds=1)
        parts.queue.resolve("before", review(FIRST), truth(review(FIRST)), **before)
        parts.queue.resolve("other", review(FIRST + 90), truth(review(FIRST + 90)))
        answered = review(FIRST + 2)
        parts.queue.resolve("answered", answered, truth(answered), lane="mandatory")
        await read_feed(parts.resources, PROJECT)
        names = ("before", "other", "answered", "late", "expired", "open", "mixed")
        await send_items(parts, {FIRST + at: name for at, name in enumerate(names)})
        await turn(parts)
        assert set(asked(parts)) == {"late", "expired", "open", "mixed"}
        parts.queue.resolve("late", review(FIRST + 3), truth(review(FIRST + 3)), **before)
        parts.queue.resolve("mixed", review(FIRST + 91), truth(review(FIRST + 91)))
        # What the task comes to after the verdict changes nothing.
        parts.queue.resolve("expired", review(FIRST + 4), truth(review(FIRST + 4)), lane="shadow")
        ended: dict[str, Any] = {"revision": 2, "source": "expiry", "verdicts": 0}
        parts.queue.resolve("expired", review(FIRST + 4), None, lane="shadow", **ended)
        await turn(parts)
        found = await figures(parts)
        counted = ("items", "gained", "lost", "waiting", "unusable")
        assert [found[name] for name in counted] == [5, 2, 0, 1, 2]


async def test_a_refused_task_leaves_the_other_of_its_item(
    common: CommonSettings, sqlite_url: str
) -> None:
    async with in_shadow(common, sqlite_url) as parts:
        await send_items(parts, {FIRST: "twice", FIRST + 1: "twice"})
        await add_by_hand(parts)
        await parts.resources.posting.post_pending(PROJECT)
        first, second = await shadow_items(parts)
        assert (first.posted, first.refused, second.posted) == (True, None, True)
        assert second.refused == "conflict: no reason given"


async def test_decisions_are_read_by_the_page_and_scored_after_a_rest(
    common: CommonSettings, sqlite_url: str
) -> None:
    async with in_shadow(common, sqlite_url) as parts:
        await send(parts, range(FIRST, FIRST + 20), contradicts=10)
        await service.step(parts.resources, parts.project)
        await send(parts, range(FIRST + 20, FIRST + 40), contradicts=10)
        await service.step(parts.resources, parts.project)
        assert (await stage_of(parts)).items == 20
        await turn(parts)
        stage = await stage_of(parts)
        assert stage.items == 40
        large = {"data": {"text": "x" * 3 * 1024 * 1024}}
        async with parts.resources.database.transaction() as session:
            for i in range(3):
                session.add(
                    LedgerRow(
                        project=PROJECT, item_id=f"large-{i}", received_at=parts.clock.moment,
                        content_hash=str(i), review="auto", decision="answered", audited=False,
                        model_version="v1", row=large,
                    )
                )  # fmt: skip
        async with parts.resources.database.reading() as session:
            assert await repository.count_unread(session, stage, 500) == 3
            assert len(await repository.next_unread(session, stage, 3)) == 2


async def test_a_champion_that_is_certified_after_all_stays(
    common: CommonSettings, sqlite_url: str
) -> None:
    async with in_shadow(common, sqlite_url) as parts:
        stage = await stage_of(parts)
        # A turn saw the champion without a certificate, which it has again.
        await service._end(parts.resources, parts.project, stage, "late", gives_way=True)
        assert (await stage_of(parts)).state == "running"
        assert (await parts.channels()).champion == "v1"


async def end_with_open_tasks(parts: TrainerParts) -> set[str]:
    """Let people refuse a version before they were asked all; return the items that are left."""
    await send(parts, range(FIRST, FIRST + 100), contradicts=2)
    await turn(parts)
    for name, task in sorted(asked(parts).items())[:35]:
        parts.queue.resolve(name, task["data"], wrong(task["data"]), lane="shadow")
    await turn(parts)
    assert (await stage_of(parts)).state == "refused"
    return {*asked(parts)} - {one["item_id"] for one in parts.queue.feed}


async def withdraw(parts: TrainerParts) -> None:
    await parts.resources.posting.withdraw_pending(PROJECT)


async def test_tasks_of_an_ended_stage_are_withdrawn_until_the_queue_says_so(
    common: CommonSettings, database_url: str
) -> None:
    async with in_shadow(common, database_url) as parts:
        left = await end_with_open_tasks(parts)
        assert len(left) == 5
        parts.queue.withdrawn, parts.queue.is_away = [], True
        with pytest.raises(QueueAway):
            await withdraw(parts)
        # A review queue of the release before has no such route.
        parts.queue.is_away, parts.queue.can_withdraw = False, False
        await withdraw(parts)
        assert parts.queue.withdrawn == []
        parts.queue.can_withdraw, parts.queue.held = True, {min(left)}
        await withdraw(parts)
        assert {*parts.queue.withdrawn} == left - {min(left)}
        parts.queue.withdrawn, parts.queue.held = [], set()
        await withdraw(parts)
        await withdraw(parts)
        assert parts.queue.withdrawn == [min(left)]
        parts.queue.restore(len(parts.queue.feed))
        await read_feed(parts.resources, PROJECT)
        parts.queue.withdrawn = []
        await withdraw(parts)
        assert left <= {*parts.queue.withdrawn}


async def draw(parts: TrainerParts, item_id: str) -> None:
    """Let an open certification have drawn an item."""
    certification = Certification(
        certification_id="c", project=PROJECT, version="v1", attempt=9, state="open",
        created_at=parts.clock.moment,
    )  # fmt: skip
    item = CertificationItem(
        certification_id="c", item_id=item_id, project=PROJECT, position=0, data={}, score=1.0,
        label="positive", posted=True,
    )  # fmt: skip
    async with parts.resources.database.transaction() as session:
        session.add_all([certification, item])


async def test_a_task_that_a_draw_or_another_stage_waits_for_is_left(
    common: CommonSettings, sqlite_url: str
) -> None:
    async with in_shadow(common, sqlite_url) as parts:
        await send_items(parts, {FIRST: "shared"})
        await turn(parts)
        first = await stage_of(parts)
        other = ShadowStage.model_validate({**first.model_dump(), "stage_id": "o", "version": "v3"})
        async with parts.resources.database.transaction() as session:
            session.add(other)
        await add_by_hand(parts, "o")
        await parts.resources.posting.post_pending(PROJECT)
        await approvals.reject(parts.resources, parts.project, "v2", actor="op", note=None)
        await service._end_if_void(parts.resources, parts.project, first)
        await withdraw(parts)
        assert "shared" not in parts.queue.withdrawn
        await draw(parts, "shared")
        await service._end_if_void(parts.resources, parts.project, other)
        await withdraw(parts)
        assert "shared" not in parts.queue.withdrawn
        async with parts.resources.database.transaction() as session:
            (await session.get_one(Certification, "c")).state = "failed"
        await withdraw(parts)
        assert "shared" in parts.queue.withdrawn
