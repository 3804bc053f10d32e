"""A refused act says what is possible instead, and the promise offers versions still certified."""

from datetime import timedelta
from typing import Any

import pytest

from services.trainer.registry import repository, service
from services.trainer.registry.service import NotCertified, NothingToRollBackTo
from services.trainer.tables import Version
from services.trainer.watch import suspension, view
from shared.problems import Conflict
from shared.settings import CommonSettings
from tests.harness.trainer_and_queue import PROJECT, truth
from tests.harness.trainer_parts import TrainerParts, open_trainer_parts

pytestmark = pytest.mark.any_database

ROUTE = f"POST /v1/projects/{PROJECT}"


async def certified(parts: TrainerParts, number: int) -> None:
    """Publish one more version, and have it certified."""
    await parts.import_reviews(range(100 * number, 100 * number + 100))
    await parts.label(range(1000 * number, 1000 * number + 60), truth)
    await parts.publish_version()
    await parts.step()
    parts.queue.answer(truth)
    await parts.step()


async def serve_beside_a_waiting_version(parts: TrainerParts) -> None:
    """Let v1 serve, certified, and v2 wait for items to be certified on."""
    await certified(parts, 1)
    await parts.label(range(5000, 5060), truth)
    await parts.publish_version()


async def refused(act: Any, kind: type[Conflict]) -> tuple[str, list[tuple[str, str | None, str]]]:
    """Return the detail of a refused act, and what it offers."""
    with pytest.raises(kind) as refusal:
        await act
    offered = refusal.value.extensions["possible"]
    for one in offered:
        assert one["route"] in refusal.value.detail
    acts = [(one["act"], one["version"], one["route"]) for one in offered]
    return refusal.value.detail, acts


async def test_each_refused_act_names_the_reason_and_what_is_possible(
    common: CommonSettings, database_url: str
) -> None:
    async with open_trainer_parts(common, database_url) as parts:
        resources, project = parts.resources, parts.project
        await serve_beside_a_waiting_version(parts)
        suspend = ("suspend", "v1", f"{ROUTE}/suspend")
        run = ("run", None, f"{ROUTE}/runs")

        # Its certification waits for items: there is no second one to ask for.
        detail, acts = await refused(service.promote(resources, project, "v2", "op"), NotCertified)
        assert "v2 has no certificate, and its certification is under way" in detail
        assert acts == [suspend, run]
        detail, acts = await refused(service.retire(resources, project, "v1", "op"), Conflict)
        assert "v1 is the champion" in detail
        assert acts == [suspend, run]
        detail, acts = await refused(
            service.roll_back(resources, project, "op"), NothingToRollBackTo
        )
        assert "No version served before" in detail
        assert acts == [suspend, run]

        await parts.put_project(instructions="# Read it twice")
        changed = parts.project
        # Nothing is certified for the project as it is now: any version may serve.
        _, acts = await refused(service.retire(resources, changed, "v1", "op"), Conflict)
        assert acts == [("promote", "v2", f"{ROUTE}/versions/v2/promote"), run]
        await service.promote(resources, changed, "v2", "op")
        _, acts = await refused(service.retire(resources, changed, "v2", "op"), Conflict)
        assert ("rollback", "v1", f"{ROUTE}/rollback") in acts
        await service.retire(resources, changed, "v1", "op")
        detail, acts = await refused(service.promote(resources, changed, "v1", "op"), Conflict)
        assert "v1 is retired for good" in detail
        assert acts == [run]


async def test_a_version_whose_certification_has_failed_is_offered_another_one(
    common: CommonSettings, sqlite_url: str
) -> None:
    async with open_trainer_parts(common, sqlite_url) as parts:
        await serve_beside_a_waiting_version(parts)
        async with parts.resources.database.transaction() as session:
            await repository.cancel_pending(session, PROJECT, "for the test", "v2")
        detail, acts = await refused(
            service.promote(parts.resources, parts.project, "v2", "op"), NotCertified
        )
        assert f"certify v2 with {ROUTE}/certify" in detail
        assert ("certify", "v2", f"{ROUTE}/certify") in acts


async def test_another_certified_version_is_offered_and_never_taken(
    common: CommonSettings, database_url: str
) -> None:
    async with open_trainer_parts(common, database_url) as parts:
        resources, project = parts.resources, parts.project
        await certified(parts, 1)
        await certified(parts, 2)
        assert (await parts.channels()).champion == "v2"
        assert (await view.describe(resources, project)).offers == []
        async with resources.database.transaction() as session:
            champion = await session.get_one(Version, (PROJECT, "v2"))
            champion.suspension = {"cause": "audit_violated", "detail": "4 of 9 were wrong"}
        await parts.resources.documents.sync(PROJECT)

        promise = await view.describe(resources, project)
        assert [(one.version, one.act) for one in promise.offers] == [("v1", "promote")]
        route = f"{ROUTE}/versions/v1/promote"
        assert promise.offers[0].route == route
        line = (await view.history(resources, PROJECT, 0, 100))[-1]
        assert line.to_state == "suspended"
        assert line.detail == f"4 of 9 were wrong; still certified: v1; {route} lets v1 serve"
        assert (await parts.channels()).champion == "v2"

        assert (await service.promote(resources, project, "v1", "op")).champion == "v1"
        promise = await view.describe(resources, project)
        assert (promise.version, promise.state, promise.offers) == ("v1", "certified", [])


@pytest.mark.thorough
async def test_nothing_is_offered_that_would_not_answer(
    common: CommonSettings, sqlite_url: str
) -> None:
    async with open_trainer_parts(common, sqlite_url) as parts:
        resources, project = parts.resources, parts.project
        await certified(parts, 1)
        await certified(parts, 2)
        await suspension.suspend(resources, project, "the feed is broken", "olga")
        assert (await view.describe(resources, project)).offers == []
        assert (await view.history(resources, PROJECT, 0, 100))[-1].detail == "the feed is broken"
        await suspension.resume(resources, project)
        parts.clock.advance(seconds=timedelta(days=40).total_seconds())
        assert (await view.describe(resources, project)).offers == []
