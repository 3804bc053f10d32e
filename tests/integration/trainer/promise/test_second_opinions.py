"""An answer that contradicts a version counts as an error once other reviewers have been asked."""

import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import httpx
import pytest

from services.trainer.outcomes.opinions.service import patience
from services.trainer.tables import SecondOpinion
from shared.auth import Keys
from shared.settings import CommonSettings
from tests.harness import client, wait_until
from tests.harness.cases import further
from tests.harness.trainer_and_queue import (
    PROJECT,
    TrainerAndQueue,
    review,
    run_trainer_and_queue,
    truth,
)
from tests.harness.trainer_parts import TrainerParts, open_trainer_parts
from tests.integration.trainer.promise.test_certification import drawn_items, prepare, wrong
from tests.integration.trainer.watch.test_audits_act import answer, certify, entry, judge, watched

LABELS, DOUBTED = 40, 9


@dataclass
class People:
    """r1 answers the first certification items wrongly, as slips; the others answer as they are."""

    both: TrainerAndQueue
    others: list[httpx.AsyncClient]
    slips: set[str] = field(default_factory=set)

    async def prepare(self) -> None:
        """Let the others be known in the project, and r1 answer all of the certification."""
        await self.both.put_project()
        await self.both.import_pool(0, 200)
        for reviewer in self.others:
            await self.both.post("pool/batches", {"strategy": "random", "size": 1})
            await self._answer_all(reviewer)
        await self.both.label_and_train(60)
        await self.both.certificate("open")
        answered = 0

        async def is_answered() -> bool:
            # The tasks are posted after the certification is opened.
            nonlocal answered
            answered += await self._answer_all(self.both.reviewer, slips=DOUBTED)
            return answered >= LABELS

        await wait_until(is_answered)

    async def work(self) -> None:
        """Let each of the others answer all there is, as it is true."""
        for reviewer in self.others:
            await self._answer_all(reviewer)

    async def _answer_all(self, reviewer: httpx.AsyncClient, *, slips: int = 0) -> int:
        answered = 0
        while leases := await self._lease(reviewer):
            for lease in leases:
                data = lease["task"]["data"]
                label = truth(data)
                if len(self.slips) < slips:
                    self.slips.add(lease["task"]["item_id"])
                    label = wrong(data)
                path = f"/v1/leases/{lease['token']}/verdict"
                response = await reviewer.post(path, json={"label": label})
                assert response.is_success, response.text
                answered += 1
        return answered

    async def _lease(self, reviewer: httpx.AsyncClient) -> Any:
        path = f"/v1/projects/{PROJECT}/leases"
        return (await reviewer.post(path, json={"count": 50})).json()["leases"]


@contextlib.asynccontextmanager
async def people(
    common: CommonSettings, keys: Keys, database_url: str, *others: str
) -> AsyncIterator[People]:
    async with contextlib.AsyncExitStack() as stack:
        both = await stack.enter_async_context(run_trainer_and_queue(common, keys, database_url))
        clients = [
            await stack.enter_async_context(
                client(str(both.queue.base_url), keys.issue("reviewer", name))
            )
            for name in others
        ]
        yield People(both, clients)


@pytest.mark.thorough
async def test_slips_are_overturned_by_two_others(
    common: CommonSettings, keys: Keys, postgres_url: str
) -> None:
    async with people(common, keys, postgres_url, "r2", "r3") as crew:
        await crew.prepare()

        async def closed() -> Any:
            await crew.work()
            view = await crew.both.get("certificate")
            return view if view["state"] != "open" or view["attempt"] > 1 else None

        view = await wait_until(closed)
        assert view["state"] == "certified"
        certificate = view["certificate"]
        assert (certificate["labels"], certificate["errors"]) == (LABELS, 0)
        opinions = certificate["label_noise"]["second_opinions"]
        assert opinions == {"asked": DOUBTED, "overturned": DOUBTED}


@pytest.mark.thorough
async def test_without_another_reviewer_slips_are_errors(
    common: CommonSettings, keys: Keys, sqlite_url: str
) -> None:
    async with people(common, keys, sqlite_url) as crew:
        await crew.prepare()

        async def closed() -> Any:
            return (await crew.both.get("certificate"))["attempt"] > 1

        # Nine errors in 40 labels certify no 80 %: the next draw is opened.
        await wait_until(closed)


async def opinions_of(parts: TrainerParts, *item_ids: str) -> list[str]:
    async with parts.resources.database.reading() as session:
        rows = [await session.get_one(SecondOpinion, (PROJECT, one)) for one in item_ids]
    return [row.state for row in rows]


async def test_a_second_opinion_that_does_not_come_in_time_leaves_an_error(
    common: CommonSettings, sqlite_url: str
) -> None:
    async with open_trainer_parts(common, sqlite_url) as parts:
        parts.queue.others_answer = True
        await prepare(parts)
        doubted, *_ = sorted(drawn_items(parts))
        data = parts.queue.tasks[doubted]["data"]
        parts.queue.resolve(doubted, data, wrong(data), lane="certification")
        await parts.step()
        assert parts.queue.doubted == [(doubted, 1)]
        parts.queue.answer(truth)
        await parts.step()
        await parts.step()
        assert (await parts.certificate()).state == "open"
        assert len(parts.queue.doubted) == 1

        parts.clock.advance(seconds=patience(parts.project).total_seconds() + 1)
        await parts.step()
        assert await opinions_of(parts, doubted) == ["unanswered"]
        certificate = (await parts.promise()).versions["v1"].certificate
        assert certificate is not None
        assert certificate.errors == 1
        # What comes later overturns nothing.
        parts.queue.resolve(doubted, data, truth(data), revision=2, verdicts=3)
        await parts.step()
        assert await opinions_of(parts, doubted) == ["unanswered"]


@pytest.mark.parametrize("fault", ["not blind", "reopened", *further("no answer", "restored")])
async def test_only_the_opinion_that_was_asked_for_overturns(
    common: CommonSettings, sqlite_url: str, fault: str
) -> None:
    async with open_trainer_parts(common, sqlite_url) as parts:
        parts.queue.others_answer = True
        await prepare(parts)
        doubted, *_ = sorted(drawn_items(parts))
        data = parts.queue.tasks[doubted]["data"]
        parts.queue.resolve(doubted, data, wrong(data), lane="certification")
        await parts.step()
        if fault == "restored":
            parts.queue.epoch += 1
            await parts.step()
        if fault == "reopened":
            parts.queue.resolve(doubted, data, None, revision=2, verdicts=0)
        revision = 3 if fault == "reopened" else 2
        label = None if fault == "no answer" else truth(data)
        blind = fault != "not blind"
        parts.queue.resolve(doubted, data, label, revision=revision, blind=blind, verdicts=3)
        parts.queue.answer(truth)
        await parts.step()
        certificate = (await parts.promise()).versions["v1"].certificate
        assert certificate is not None
        assert certificate.errors == 1


async def test_an_audit_waits_in_its_place_for_the_second_opinion(
    common: CommonSettings, sqlite_url: str
) -> None:
    async with open_trainer_parts(common, sqlite_url) as parts:
        await certify(parts)
        parts.queue.others_answer = True
        await answer(parts, range(501, 521, 2), "r-1")
        await judge(parts, [501], wrong=False)
        await judge(parts, [503], wrong=True)
        await judge(parts, range(505, 521, 2), wrong=False)
        assert parts.queue.doubted == [("item-503", 1)]
        watch = await watched(parts)
        assert (watch.reviewed, watch.errors) == (1, 0)
        # It is not overdue for that.
        parts.clock.advance(seconds=timedelta(hours=11).total_seconds())
        await judge(parts, [], wrong=False)
        assert (await entry(parts)).state == "certified"

        parts.queue.resolve("item-503", review(503), "positive", revision=2, verdicts=3)
        await judge(parts, [], wrong=False)
        watch = await watched(parts)
        assert (watch.reviewed, watch.errors) == (10, 0)
