"""One delta a period: tests of all versions share it."""

import pytest

from services.trainer.promise.planning import draw_share
from services.trainer.tables import ProjectState
from shared.contracts.certificates import attempt_delta, certificate_fault
from shared.settings import CommonSettings
from tests.harness.trainer_and_queue import PROJECT, truth
from tests.harness.trainer_parts import TrainerParts, open_trainer_parts
from tests.integration.trainer.promise.test_certification import prepare

pytestmark = pytest.mark.any_database


async def fail(parts: TrainerParts) -> None:
    # No one can answer: errors that train no version.
    parts.queue.answer(lambda data: None, "certification")
    await parts.step()
    assert (await parts.certificate()).state == "failed"


@pytest.mark.thorough
async def test_versions_of_a_period_share_one_delta(
    common: CommonSettings, database_url: str
) -> None:
    async with open_trainer_parts(common, database_url) as parts:
        await prepare(parts, pool=300)
        await fail(parts)
        await parts.label(range(2000, 2060), truth)
        await parts.publish_version()
        await parts.step()
        view = await parts.certificate()
        assert (view.version, view.attempt, view.test_number) == ("v2", 1, 2)
        assert view.plan["delta_attempt"] == pytest.approx(attempt_delta(0.1, 2) * draw_share(1, 3))
        parts.queue.answer(truth, "certification")
        await parts.step()
        certificate = (await parts.promise()).versions["v2"].certificate
        assert certificate is not None
        assert certificate.attempt == 2
        spent = sum(attempt_delta(0.1, test) for test in range(1, 3))
        assert certificate.delta_spent == pytest.approx(spent)
        assert certificate_fault(certificate, None) is None


async def test_a_new_period_has_a_new_budget(common: CommonSettings, sqlite_url: str) -> None:
    async with open_trainer_parts(common, sqlite_url) as parts:
        await prepare(parts, pool=300)
        await fail(parts)
        parts.clock.advance(days=30)
        await parts.label(range(2000, 2060), truth)
        await parts.publish_version()
        await parts.step()
        assert (await parts.certificate()).test_number == 1
        async with parts.resources.database.reading() as session:
            state = await session.get_one(ProjectState, PROJECT)
        assert (state.period_began_at, state.tests_in_period) == (parts.clock.moment, 1)
