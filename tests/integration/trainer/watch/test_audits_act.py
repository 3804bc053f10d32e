"""What people say of audited answers warns of a promise and suspends it, in whatever order."""

import random
from collections.abc import Iterable
from typing import Any

import pytest

from services.trainer.outcomes.service import read_feed
from services.trainer.tables import AuditWatch, Version
from services.trainer.watch import view
from services.trainer.watch.audits import watch_audits
from shared.contracts.versions import PromiseEntry
from shared.settings import CommonSettings
from tests.harness.trainer_and_queue import PROJECT, review, truth
from tests.harness.trainer_parts import TrainerParts, open_trainer_parts

ANSWERED: dict[str, Any] = {
    "decision": "answered",
    "reason": "confident",
    "audited": True,
    "propensity": 0.05,
    "model_version": "v1",
}


async def certify(parts: TrainerParts) -> None:
    """Publish v1, and have it certified for 80 % at 90 % confidence."""
    await parts.label(range(1000, 1060), truth)
    await parts.import_reviews(range(100))
    await parts.publish_version()
    await parts.step()
    parts.queue.answer(truth)
    await parts.step()
    parts.clock.advance(minutes=10)
    assert (await entry(parts)).state == "certified"


async def answer(parts: TrainerParts, numbers: Iterable[int], name: str, **changes: Any) -> None:
    """Log automatic answers, all of them audited, and let the trainer read them."""
    await parts.log_decisions(list(numbers), name, **{**ANSWERED, "label": "positive", **changes})
    await parts.read_ledger()


async def judge(parts: TrainerParts, numbers: Iterable[int], *, wrong: bool) -> None:
    """Let people review audited answers, and the trainer learn of it."""
    for number in numbers:
        label = "negative" if wrong else "positive"
        parts.queue.resolve(f"item-{number}", review(number), label, lane="audit")
    await read_feed(parts.resources, PROJECT)
    await look(parts)


async def look(parts: TrainerParts) -> None:
    await watch_audits(parts.resources, parts.project)
    await parts.resources.documents.sync(PROJECT)


async def entry(parts: TrainerParts) -> PromiseEntry:
    return (await parts.promise()).versions["v1"]


async def watched(parts: TrainerParts) -> AuditWatch:
    async with parts.resources.database.reading() as session:
        return await session.get_one(AuditWatch, (PROJECT, "v1"))


async def told(parts: TrainerParts) -> list[tuple[str | None, str, str]]:
    lines = await view.history(parts.resources, PROJECT, 0, 100)
    return [(line.from_state, line.to_state, line.cause) for line in lines]


async def test_wrong_answers_suspend_the_promise_and_the_history_says_why(
    common: CommonSettings, database_url: str
) -> None:
    async with open_trainer_parts(common, database_url) as parts:
        await certify(parts)
        await answer(parts, range(2000, 2020), "a")
        await judge(parts, range(2000, 2020), wrong=True)
        assert (await entry(parts)).state == "suspended"
        promise = await view.describe(parts.resources, parts.project)
        assert (promise.state, promise.valid_now) == ("suspended", False)
        assert promise.why_not is not None
        assert "audited answers were wrong" in promise.why_not
        assert await told(parts) == [
            ("uncertified", "certified", "certified"),
            ("certified", "suspended", "audit_violated"),
        ]
        before = await watched(parts)
        # It was suspended at the first proof, and what comes later changes nothing.
        assert before.reviewed == before.errors < 20
        await answer(parts, range(2020, 2030), "b")
        await judge(parts, range(2020, 2030), wrong=False)
        assert (await entry(parts)).state == "suspended"
        assert (await watched(parts)).position == before.position


@pytest.mark.any_database
async def test_right_answers_leave_it_certified(common: CommonSettings, database_url: str) -> None:
    async with open_trainer_parts(common, database_url) as parts:
        await certify(parts)
        await answer(parts, range(2000, 2060), "a")
        await judge(parts, range(2000, 2060), wrong=False)
        found = await watched(parts)
        assert (found.reviewed, found.errors, (await entry(parts)).state) == (60, 0, "certified")
        promise = await view.describe(parts.resources, parts.project)
        assert promise.audit is not None
        assert promise.audit.interval is not None
        assert promise.audit.interval[0] == 0.0
        assert promise.share_answered == 1.0


async def test_order_of_reviews_duplicates_and_replays_change_no_bit(
    common: CommonSettings, sqlite_url: str
) -> None:
    shuffle = random.Random(0)
    numbers = list(range(2000, 2040))
    wrong = {n for n in numbers if shuffle.random() < 0.2}
    async with open_trainer_parts(common, sqlite_url) as parts:
        await certify(parts)
        await answer(parts, numbers, "a")
        # The same items come again: they were audited already.
        await answer(parts, numbers[::2], "b")
        async with parts.resources.database.reading() as session:
            certificate = (await session.get_one(Version, (PROJECT, "v1"))).certificate
        found = []
        for _ in range(2):
            order = shuffle.sample(numbers, len(numbers))
            size = shuffle.randint(8, 20)
            for start in range(0, len(order), size):
                page = order[start : start + size]
                await judge(parts, [n for n in page if n in wrong], wrong=True)
                await judge(parts, [n for n in page if n not in wrong], wrong=False)
                if shuffle.random() < 0.3:
                    await look(parts)
            found.append(await figures_of(parts))
            await forget(parts, certificate)
        assert found[0] == found[1]


async def figures_of(parts: TrainerParts) -> tuple[Any, ...]:
    found = await watched(parts)
    return (found.reviewed, found.errors, found.log_sr, found.log_e, (await entry(parts)).state)


async def forget(parts: TrainerParts, certificate: dict[str, Any] | None) -> None:
    """Lose what was watched, as a trainer does whose database is from before."""
    async with parts.resources.database.transaction() as session:
        await session.delete(await session.get_one(AuditWatch, (PROJECT, "v1")))
        version = await session.get_one(Version, (PROJECT, "v1"))
        version.suspension = version.warning = None
        version.certificate = certificate


@pytest.mark.any_database
async def test_an_overdue_review_suspends_until_it_has_come(
    common: CommonSettings, database_url: str
) -> None:
    async with open_trainer_parts(common, database_url) as parts:
        await certify(parts)
        await answer(parts, [2000], "a")
        await look(parts)
        assert (await entry(parts)).state == "certified"
        parts.clock.advance(days=1, minutes=1)
        await look(parts)
        assert (await entry(parts)).state == "suspended"
        await judge(parts, [2000], wrong=False)
        assert (await entry(parts)).state == "certified"
        causes = [cause for _, _, cause in await told(parts)]
        assert causes == ["certified", "audit_overdue", "certified"]


@pytest.mark.parametrize(
    "kind",
    [
        {"decision": "answered"},
        # The audits were drawn before these items went to an optional review.
        {"decision": "in_review", "reason": "optional_review", "label": None},
    ],
)
async def test_too_few_audits_suspend(
    common: CommonSettings, sqlite_url: str, kind: dict[str, Any]
) -> None:
    async with open_trainer_parts(common, sqlite_url) as parts:
        await certify(parts)
        unaudited = {"audited": False, "propensity": 0.5, **kind}
        await answer(parts, range(2000, 2199), "a", **unaudited)
        await look(parts)
        assert (await entry(parts)).state == "certified"
        await answer(parts, range(2199, 2210), "b", **unaudited)
        await look(parts)
        assert (await entry(parts)).state == "suspended"
        assert (await told(parts))[-1] == ("certified", "suspended", "audit_starved")


async def test_errors_that_accumulate_warn_first_and_raise_the_audit_rate(
    common: CommonSettings, sqlite_url: str
) -> None:
    async with open_trainer_parts(common, sqlite_url) as parts:
        await certify(parts)
        good = range(2000, 2100)
        await answer(parts, good, "a")
        await judge(parts, good, wrong=False)
        number, state = 3000, "certified"
        while state == "certified":
            await answer(parts, [number], f"b{number}")
            await judge(parts, [number], wrong=True)
            number, state = number + 1, (await entry(parts)).state
        assert state == "warn"
        assert (await entry(parts)).audit_rate == 0.5
        assert (await view.describe(parts.resources, parts.project)).valid_now
        calm = range(4000, 4100)
        await answer(parts, calm, "c")
        await judge(parts, calm, wrong=False)
        assert (await entry(parts)).state == "certified"
        assert (await entry(parts)).audit_rate is None


async def test_figures_by_day(common: CommonSettings, database_url: str) -> None:
    async with open_trainer_parts(common, database_url) as parts:
        await certify(parts)
        await answer(parts, range(2000, 2010), "a")
        await judge(parts, range(2000, 2004), wrong=False)
        await judge(parts, [2004], wrong=True)
        first = parts.clock.moment.date()
        parts.clock.advance(days=1)
        await answer(parts, range(2010, 2013), "b")
        days = await view.days(parts.resources, PROJECT, 30)
        assert [(one.day, one.audited, one.reviewed, one.errors) for one in days] == [
            (first, 10, 5, 1),
            (parts.clock.moment.date(), 3, 0, 0),
        ]
