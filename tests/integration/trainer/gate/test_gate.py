"""The gate on real evidence: what a certified version is compared on, and the record of it."""

from typing import Any

import pytest
from sqlalchemy import select, update
from sqlmodel import col

from services.trainer.datasets.service import load
from services.trainer.gate import repository as gate
from services.trainer.runs.judging import judge_publication
from services.trainer.tables import CertificationItem, Dataset, PromotionEvent, Version
from shared.auth import Keys
from shared.settings import CommonSettings
from tests.harness.served_trainer import ROOT, serve_trainer
from tests.harness.trainer_and_queue import PROJECT, truth
from tests.harness.trainer_parts import TrainerParts, open_trainer_parts
from tests.integration.trainer.promise.test_renewal import certify, entry_of

pytestmark = pytest.mark.any_database


async def successor(parts: TrainerParts, first: int = 2000, name: str = "v2") -> None:
    """Publish a version beside a certified champion, and draw the labels of its certificate."""
    await parts.label(range(first, first + 60), truth)
    assert (await parts.publish_version()).version == name
    await parts.step()
    assert (await parts.certificate()).state == "open"


async def judged(parts: TrainerParts, name: str = "v2") -> dict[str, Any]:
    """Answer the open certification; return what the gate said of the version."""
    parts.queue.answer(truth, "certification")
    await parts.step()
    assert (await entry_of(parts, name)).state == "certified"
    async with parts.resources.database.reading() as session:
        version = await session.get_one(Version, (PROJECT, name))
    found: dict[str, Any] = version.gate["certification"]
    return found


async def history(parts: TrainerParts, *kinds: str) -> list[PromotionEvent]:
    """Return the history of promotions, oldest first."""
    async with parts.resources.database.reading() as session:
        rows = await gate.events(session, PROJECT, before=None, limit=100, kinds=kinds)
    return list(reversed(rows))


async def test_successor_is_compared_on_the_labels_of_its_certificate(
    common: CommonSettings, database_url: str
) -> None:
    async with open_trainer_parts(common, database_url) as parts:
        await certify(parts)
        await successor(parts)
        decision = await judged(parts)
        assert decision["promote"]
        assert [(one["name"], one["outcome"]) for one in decision["tests"]] == [
            ("coverage", "passed"),
            ("accuracy", "passed"),
            ("brier", "passed"),
        ]
        accuracy = decision["tests"][1]
        assert (accuracy["evidence"], accuracy["figures"]["items"]) == ("certification", 40)
        assert accuracy["figures"]["margin"] == 0.1
        lines = [(one.kind, one.version, one.champion, one.note) for one in await history(parts)]
        assert lines == [
            ("judged", "v1", None, "publication"),
            ("promoted", "v1", None, None),
            ("judged", "v2", "v1", "publication"),
            ("judged", "v2", "v1", "certification"),
            ("promoted", "v2", "v1", None),
        ]
        (last,) = [one for one in await history(parts, "judged") if one.try_number is not None]
        assert (last.try_number, last.document) == (1, {"step": "certification", **decision})


async def test_a_version_that_is_worse_is_held_back_and_spends_a_try(
    common: CommonSettings, database_url: str
) -> None:
    async with open_trainer_parts(common, database_url) as parts:
        await certify(parts, pool=400)
        await successor(parts)
        # The champion is right where people say that the new version errs.
        async with parts.resources.database.transaction() as session:
            items = (await parts_items(session))[:2]
            for item in items:
                other = "negative" if item.label == "positive" else "positive"
                item.champion = {"version": "v1", "label": other, "score": 0.9}
                parts.queue.resolve(item.item_id, item.data, other, lane="certification")
        decision = await judged(parts)
        assert not decision["promote"]
        failed = [one for one in decision["tests"] if one["outcome"] == "failed"]
        assert failed[0]["figures"]["lost"] == 2
        assert (await parts.channels()).champion == "v1"
        await successor(parts, 2100, "v3")
        assert (await judged(parts, "v3"))["try_number"] == 2
        async with parts.resources.database.reading() as session:
            assert await gate.tries(session, PROJECT, "v1") == 2
            assert await gate.tries(session, PROJECT, "v3") == 0


async def parts_items(session: Any) -> list[CertificationItem]:
    """Return the items of the newest certification."""

    query = select(CertificationItem).where(col(CertificationItem.finding).is_(None))
    return list((await session.execute(query)).scalars())


@pytest.mark.thorough
async def test_items_of_the_release_before_leave_it_to_the_coverage(
    common: CommonSettings, sqlite_url: str
) -> None:
    async with open_trainer_parts(common, sqlite_url) as parts:
        await certify(parts)
        await successor(parts)
        async with parts.resources.database.transaction() as session:
            await session.execute(update(CertificationItem).values(champion=None))
        decision = await judged(parts)
        assert decision["promote"]
        assert [one["name"] for one in decision["tests"]] == ["coverage"]


async def test_gold_trains_no_version_and_compares_each_with_the_champion(
    common: CommonSettings, sqlite_url: str
) -> None:
    training = {"min_new_labels": 60, "gate": {"gold_share": 0.5, "slices": ["channel"]}}
    async with open_trainer_parts(common, sqlite_url, training=training) as parts:
        await parts.label(
            range(1000, 1060), lambda data: "positive" if len(data["text"]) % 3 else "negative"
        )
        first = await parts.publish_version()
        await parts.label(range(2000, 2300), truth)
        second = await parts.publish_version()
        decision = second.gate["publication"]
        assert decision["promote"]
        assert decision["tests"][0]["evidence"] == "gold"
        items = decision["tests"][0]["figures"]["items"]
        async with parts.resources.database.reading() as session:
            rows = [
                await load(
                    parts.resources, await session.get_one(Dataset, (PROJECT, one.dataset_id))
                )
                for one in (first, second)
            ]
        trained = {row.item_id for row in rows[1]}
        assert {row.item_id for row in rows[0]} < trained
        assert len(trained) + items == 360
        assert 130 < items < 230


async def test_contents_that_a_version_learned_are_no_gold_for_it(
    common: CommonSettings, sqlite_url: str
) -> None:
    async with open_trainer_parts(common, sqlite_url) as parts:
        await parts.label(range(1000, 1060), truth)
        await parts.publish_version()
        await parts.label(range(2000, 2100), truth)
        second = await parts.publish_version()
        # The fold grew after the version's labels were frozen.
        project = await parts.put_project(training={"gate": {"gold_share": 0.5}})
        async with parts.resources.database.reading() as session:
            dataset = await session.get_one(Dataset, (PROJECT, second.dataset_id))
        decision = await judge_publication(parts.resources, project, second, dataset)
        assert decision.tests[0].evidence == "out_of_fold"


@pytest.mark.thorough
async def test_history_names_operators_over_http(
    common: CommonSettings, keys: Keys, sqlite_url: str
) -> None:
    async with (
        open_trainer_parts(common, sqlite_url, training={"auto_promote": False}) as parts,
        serve_trainer(common, keys, sqlite_url) as trainer,
    ):
        await parts.label(range(1000, 1060), truth)
        await parts.publish_version()
        await parts.label(range(2000, 2060), truth)
        await parts.publish_version()
        assert (await trainer.operator.post(f"{ROOT}/versions/v2/promote")).status_code == 200
        assert (await trainer.operator.post(f"{ROOT}/rollback")).status_code == 200
        page = (await trainer.operator.get(f"{ROOT}/promotions", params={"limit": 2})).json()
        assert [(one["kind"], one["version"], one["champion"]) for one in page["events"]] == [
            ("rolled_back", "v1", "v2"),
            ("promoted", "v2", "v1"),
        ]
        assert all(one["actor"] for one in page["events"])
        more = {"limit": 100, "after": page["cursor"], "kind": "judged", "version": "v2"}
        (judgement,) = (await trainer.operator.get(f"{ROOT}/promotions", params=more)).json()[
            "events"
        ]
        assert judgement["decision"]["step"] == "publication"
        assert judgement["decision"]["reasons"]
