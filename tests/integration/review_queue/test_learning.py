"""What verdicts tell of reviewers decides when one more opinion is not worth it."""

import contextlib
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from pydantic import ValidationError

from services.review_queue.app import webhook_sender
from services.review_queue.lifecycle.decisions import DecisionService
from services.review_queue.lifecycle.draws import LeaseDraws
from services.review_queue.lifecycle.intake import IntakeService
from services.review_queue.lifecycle.messages import VerdictOnBehalf
from services.review_queue.links.signing import LinkSigner
from services.review_queue.projects.messages import EditTerms, ProjectStatement
from services.review_queue.projects.service import ProjectService
from services.review_queue.quality.reviewers.learning import KnownReviewers
from services.review_queue.services import build_services
from services.review_queue.settings import ReviewQueueSettings
from shared.contracts.base import task_id_for
from shared.contracts.review_settings import ReviewSettings
from shared.contracts.tasks import TaskProgress
from shared.db import Database
from shared.doorbells import Doorbells
from shared.http.access import Services
from shared.store import Store
from tests.harness.clock import Clock
from tests.harness.databases import create_tables
from tests.harness.desk import PROJECT


async def answer(services: Services, item_id: str, reviewer: str, label: str) -> TaskProgress:
    body = VerdictOnBehalf(reviewer=reviewer, label=label)
    return await services[DecisionService].record("shop", task_id_for("shop", item_id), body, "op")


async def post(services: Services, *item_ids: str) -> None:
    entries = [{"item_id": item_id, "data": {"text": item_id}} for item_id in item_ids]
    await services[IntakeService].enqueue("shop", entries, "op")


@contextlib.asynccontextmanager
async def furnished(database_url: str, folder: Path, clock: Clock) -> AsyncIterator[Services]:
    """The services on an empty database, without a worker."""
    await create_tables("review_queue", database_url)
    database = Database(database_url)
    yield build_services(
        database,
        Doorbells(""),
        Store(folder.as_uri()),
        webhook_sender(ReviewQueueSettings(), clock),
        LeaseDraws("secret"),
        LinkSigner(folder),
        now=clock,
        nudge=lambda: None,
        poll_seconds=0.01,
    )
    await database.dispose()


async def put(services: Services, **review: float) -> None:
    spec = PROJECT | {"review": {"overlap": 2, "max_overlap": 7, **review}}
    await services[ProjectService].put("shop", ProjectStatement.model_validate(spec))


async def get_known(services: Services) -> None:
    """Have fifty tasks answered by three people against one."""
    past = [f"past-{number}" for number in range(50)]
    await post(services, *past)
    for number, item_id in enumerate(past):
        right, wrong = ("positive", "negative")[:: 1 - 2 * (number % 2)]
        # Each is answered against him: the lead rule asks four people.
        for reviewer, label in (("a", right), ("bad", wrong), ("b", right), ("c", right)):
            progress = await answer(services, item_id, reviewer, label)
        assert progress.outcome is not None


async def three(services: Services, item_id: str) -> TaskProgress:
    await answer(services, item_id, "a", "positive")
    await answer(services, item_id, "bad", "negative")
    return await answer(services, item_id, "b", "positive")


async def test_good_reviewers_outvote_a_bad_one_once_they_are_known(
    database_url: str, tmp_path: Path, clock: Clock
) -> None:
    async with furnished(database_url, tmp_path, clock) as services:
        await put(services)
        assert await services[KnownReviewers].refresh() == 0
        await get_known(services)
        await post(services, "before", "after")
        assert (await three(services, "before")).outcome is None
        # A minute has not passed yet; then it learns, and once only from the same verdicts.
        assert await services[KnownReviewers].refresh() == 0
        clock.advance(61)
        assert await services[KnownReviewers].refresh() == 1
        outcome = (await three(services, "after")).outcome
        assert outcome is not None
        assert (outcome.label, outcome.source) == ("positive", "consensus")
        clock.advance(61)
        assert await services[KnownReviewers].refresh() == 1
        clock.advance(61)
        assert await services[KnownReviewers].refresh() == 0


@pytest.mark.any_database
async def test_project_says_how_sure_a_label_must_be(
    database_url: str, tmp_path: Path, clock: Clock
) -> None:
    async with furnished(database_url, tmp_path, clock) as services:
        await put(services)
        await get_known(services)
        clock.advance(61)
        assert await services[KnownReviewers].refresh() == 1
        await post(services, "strict", "lenient")
        await put(services, sure=0.999_999)
        assert (await three(services, "strict")).outcome is None
        await put(services, sure=0.6)
        outcome = (await two(services, "lenient")).outcome
        assert outcome is not None
        assert (outcome.label, outcome.verdicts) == ("positive", 2)


async def two(services: Services, item_id: str) -> TaskProgress:
    await answer(services, item_id, "a", "positive")
    return await answer(services, item_id, "bad", "negative")


@pytest.mark.parametrize("sure", [0.5, 1.0, 0.0, 1.5])
def test_sureness_that_decides_too_early_or_never_is_refused(sure: float) -> None:
    with pytest.raises(ValidationError):
        ReviewSettings(sure=sure)


@pytest.mark.thorough
@pytest.mark.any_database
async def test_what_was_learned_of_other_labels_does_not_count(
    database_url: str, tmp_path: Path, clock: Clock
) -> None:
    async with furnished(database_url, tmp_path, clock) as services:
        await put(services)
        await get_known(services)
        clock.advance(61)
        assert await services[KnownReviewers].refresh() == 1
        spec = PROJECT | {"labels": ["positive", "other"], "review": {"overlap": 2}}
        project, _ = await services[ProjectService].put(
            "shop", ProjectStatement.model_validate(spec), EditTerms(allow_label_removal=True)
        )
        assert services[KnownReviewers].of(project) is None
        # No verdict has come, and yet it is learned anew.
        clock.advance(61)
        assert await services[KnownReviewers].refresh() == 1
        learned = services[KnownReviewers].of(project)
        assert learned is not None
        assert learned.labels == ("positive", "other")
