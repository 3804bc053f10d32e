"""Trainer and router say the same of a promise, in each of its states, and what comes next."""

import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass

import httpx
import pytest

from services.router.app import create_app
from services.router.settings import RouterSettings
from services.trainer.promise import renewal
from services.trainer.tables import ProjectState, Version
from services.trainer.watch import suspension, view
from services.trainer.watch.messages import PromiseView
from shared.auth import Keys
from shared.settings import CommonSettings
from tests.harness import client, serve, wait_until, wait_until_ready
from tests.harness.trainer_and_queue import PROJECT, truth
from tests.harness.trainer_parts import TrainerParts, open_trainer_parts
from tests.integration.trainer.watch.test_audits_act import answer, certify, judge, look

pytestmark = pytest.mark.any_database


@dataclass
class Both:
    """The trainer's parts, and a caller of a router on the same store and clock."""

    parts: TrainerParts
    router: httpx.AsyncClient

    async def say(self) -> PromiseView:
        """Ask all three until the router has read what is stored; what they say is the same."""
        resources = self.parts.resources
        await resources.documents.sync(PROJECT)
        promise = await view.describe(resources, self.parts.project)
        stored = await self.parts.promise()

        async def is_read() -> dict[str, object] | None:
            answer = await self.router.get(f"/v1/projects/{PROJECT}/model")
            model: dict[str, object] = answer.raise_for_status().json()
            known = (model["policy_revision"], model["project_revision"])
            is_new = known == (stored.revision, self.parts.project.revision)
            return model if is_new and model["serving"] == promise.version else None

        model = await wait_until(is_read)
        assert model is not None
        certificate = await self.parts.certificate()
        words = (promise.valid_now, promise.why_not)
        assert (model["valid_now"], model["why_not"]) == words
        assert (certificate.valid_now, certificate.why_not) == words
        summary = model["promise"]
        assert isinstance(summary, dict)
        if promise.cause != "certified" or promise.valid_now:
            assert summary["state"] == promise.state
        return promise

    async def unwatch(self) -> None:
        """Let the watch end, as when the trainer cannot read the feed."""
        async with self.parts.resources.database.transaction() as session:
            state = await session.get_one(ProjectState, PROJECT)
            state.watched_until = self.parts.clock.moment


@contextlib.asynccontextmanager
async def both(common: CommonSettings, keys: Keys, database_url: str) -> AsyncIterator[Both]:
    common = common.model_copy(update={"poll_seconds": 0.05})
    async with open_trainer_parts(common, database_url) as parts:
        await parts.put_project()
        app = create_app(common, RouterSettings(), now=parts.clock)
        async with serve(app) as base, client(base, keys.issue("caller", "tests")) as router:
            await wait_until_ready(router)
            yield Both(parts, router)


async def test_certified_warned_and_suspended_by_the_audit(
    common: CommonSettings, keys: Keys, sqlite_url: str
) -> None:
    async with both(common, keys, sqlite_url) as opened:
        parts = opened.parts
        await certify(parts)
        found = await opened.say()
        assert (found.state, found.valid_now) == ("certified", True)
        assert found.next is not None
        assert (found.next.event, found.next.text) == ("expiry", "expires in 30 days")

        good = range(2000, 2100)
        await answer(parts, good, "a")
        await judge(parts, good, wrong=False)
        number, state = 3000, "certified"
        while state == "certified":
            await answer(parts, [number], f"b{number}")
            await judge(parts, [number], wrong=True)
            number, state = number + 1, (await view.describe(parts.resources, parts.project)).state
        assert (await opened.say()).state == "warn"

        await answer(parts, range(4000, 4100), "c")
        await judge(parts, range(4000, 4100), wrong=True)
        found = await opened.say()
        assert (found.state, found.cause) == ("suspended", "audit_changed")
        assert found.why_not is not None
        assert found.why_not.startswith("audited answers became wrong too often: ")
        assert found.next is None

        parts.clock.advance(hours=1)
        await parts.log_decisions(range(5000, 5100), "d", model_version="v1")
        await parts.read_ledger()
        await renewal.request(parts.resources, parts.project, "v1")
        await parts.step()
        found = await opened.say()
        assert found.state == "recertifying"
        assert found.certification is not None
        assert found.certification.needed == 40


async def test_uncertified_expired_and_unwatched(
    common: CommonSettings, keys: Keys, sqlite_url: str
) -> None:
    async with both(common, keys, sqlite_url) as opened:
        parts = opened.parts
        await parts.label(range(1000, 1060), truth)
        await parts.import_reviews(range(100))
        await parts.publish_version()
        found = await opened.say()
        assert (found.state, found.cause) == ("uncertified", "not_certified")
        assert found.certification is not None
        assert (found.certification.state, found.certification.needed) == ("waiting", 40)

        await parts.step()
        parts.queue.answer(truth, limit=21)
        await parts.step()
        found = await opened.say()
        assert found.certification is not None
        assert (found.certification.answered, found.certification.drawn) == (21, 40)
        assert found.next is not None
        assert (found.next.labels, found.next.text) == (19, "19 labels to go for v1")

        parts.queue.answer(truth)
        await parts.step()
        assert (await opened.say()).state == "certified"
        await suspension.suspend(parts.resources, parts.project, "the feed is broken", "olga")
        found = await opened.say()
        assert found.why_not == "an operator suspended automation: the feed is broken"
        await suspension.resume(parts.resources, parts.project)

        await parts.put_project(instructions="Read it twice.")
        assert (await opened.say()).cause == "project_changed"
        await parts.put_project()
        await opened.unwatch()
        found = await opened.say()
        assert (found.state, found.valid_now) == ("certified", False)
        day = (await parts.promise()).audit_day
        parts.clock.advance(days=31)
        assert (await opened.say()).state == "expired"
        # Another day draws audits by another key.
        assert day is not None
        assert (await parts.promise()).audit_day not in (None, day)


async def test_the_live_error_is_weighed_by_bands_of_scores(
    common: CommonSettings, database_url: str
) -> None:
    async with open_trainer_parts(common, database_url) as parts:
        await certify(parts)
        async with parts.resources.database.transaction() as session:
            version = await session.get_one(Version, (PROJECT, "v1"))
            # The model is so sure of its reviews that all of them are in one band.
            version.certificate = {**(version.certificate or {}), "threshold": 0.8}
        # Many sure answers of which few are audited, and few unsure ones that all are.
        await answer(parts, range(2000, 2090), "a", confidence=1.0, audited=False)
        await answer(parts, range(2090, 2100), "b", confidence=1.0)
        await answer(parts, range(3000, 3010), "c", confidence=0.8)
        await look(parts)
        await judge(parts, range(2090, 2100), wrong=False)
        await judge(parts, range(3000, 3009), wrong=False)
        await judge(parts, [3009], wrong=True)
        found = (await view.describe(parts.resources, parts.project)).audit
        assert found is not None
        assert (found.reviewed, found.errors) == (20, 1)
        assert [(one.answered, one.reviewed, one.errors) for one in found.bands] == [
            (10, 10, 1),
            (0, 0, 0),
            (0, 0, 0),
            (100, 10, 0),
        ]
        assert found.error_rate == 0.05
        assert found.post_stratified == pytest.approx(10 / 110 * 0.1)
