"""Certification against a pool: what is fixed first, what counts, and what comes of it."""

from typing import Any

import pytest

from services.trainer.registry import service as registry
from services.trainer.runs import service as runs
from services.trainer.runs.messages import RunRequest
from services.trainer.runs.service import CertificationOpen
from shared.contracts.certificates import attempt_delta
from shared.contracts.projects import StoredPromiseSettings, certificate_digest
from shared.settings import CommonSettings
from shared.store import project_path
from tests.integration.trainer.bench import Bench, open_bench
from tests.integration.trainer.world import PROJECT, truth


def wrong(data: dict[str, Any]) -> str:
    """A person who always contradicts."""
    return "negative" if truth(data) == "positive" else "positive"


async def prepare(bench: Bench, pool: int = 100) -> None:
    """Publish v1, trained on reviews that are not in the pool."""
    await bench.label(range(1000, 1060), truth)
    await bench.import_reviews(range(pool))
    await bench.publish_version()
    await bench.step()


def drawn_items(bench: Bench) -> set[str]:
    return {i for i, task in bench.queue.tasks.items() if task["lane"] == "certification"}


async def test_right_verdicts_certify_the_version(
    common: CommonSettings, database_url: str
) -> None:
    async with open_bench(common, database_url) as bench:
        await prepare(bench)
        view = await bench.certificate()
        assert (view.state, view.version, view.attempt) == ("open", "v1", 1)
        assert (view.progress.answered, view.progress.drawn) == (0, 40)
        assert view.plan["delta_attempt"] == pytest.approx(attempt_delta(0.1, 1))
        assert view.population["kind"] == "pool"
        assert len(drawn_items(bench)) == 40
        assert (await bench.promise()).versions["v1"].state == "uncertified"

        bench.queue.answer(truth)
        await bench.step()
        entry = (await bench.promise()).versions["v1"]
        assert entry.state == "certified"
        assert entry.certificate is not None
        assert (entry.certificate.labels, entry.certificate.errors) == (40, 0)
        assert entry.certificate.upper_bound < 0.2
        assert entry.certificate.digest == certificate_digest(bench.project)
        assert entry.threshold == entry.certificate.threshold
        assert entry.expires_at is not None
        assert entry.watched_until is not None
        assert (await bench.channels()).champion == "v1"


async def test_wrong_verdicts_draw_fresh_items_until_the_budget_is_spent(
    common: CommonSettings, database_url: str
) -> None:
    async with open_bench(common, database_url) as bench:
        await prepare(bench, pool=200)
        for attempt in (1, 2, 3):
            view = await bench.certificate()
            assert (view.state, view.attempt) == ("open", attempt)
            assert len(drawn_items(bench)) == 40 * attempt
            assert view.plan["delta_attempt"] == pytest.approx(attempt_delta(0.1, attempt))
            bench.queue.answer(wrong)
            await bench.step()
        view = await bench.certificate()
        assert (view.state, view.attempt) == ("failed", 3)
        assert view.detail.startswith("not certified")
        assert (await bench.promise()).versions["v1"].state == "uncertified"
        await bench.step()
        assert len(drawn_items(bench)) == 120


async def test_second_attempt_may_certify(common: CommonSettings, sqlite_url: str) -> None:
    async with open_bench(common, sqlite_url) as bench:
        await prepare(bench)
        bench.queue.answer(wrong)
        await bench.step()
        bench.queue.answer(truth)
        await bench.step()
        entry = (await bench.promise()).versions["v1"]
        assert entry.state == "certified"
        assert entry.certificate is not None
        assert (entry.certificate.attempt, entry.certificate.errors) == (2, 0)


@pytest.mark.parametrize("fault", ["unanswerable", "suggestion in sight", "other data", "refused"])
async def test_what_is_no_blind_answer_is_an_error(
    common: CommonSettings, sqlite_url: str, fault: str
) -> None:
    async with open_bench(common, sqlite_url) as bench:
        bench.queue.refuses = {f"item-{i}" for i in range(100)} if fault == "refused" else set()
        await prepare(bench)
        if fault != "refused":
            for item_id in drawn_items(bench):
                data = bench.queue.tasks[item_id]["data"]
                label = None if fault == "unanswerable" else truth(data)
                blind = fault != "suggestion in sight"
                if fault == "other data":
                    data = {"text": "another item under the same id"}
                bench.queue.resolve(item_id, data, label, lane="certification", blind=blind)
            await bench.step()
        view = await bench.certificate()
        assert view.attempt > 1
        assert (await bench.promise()).versions["v1"].state == "uncertified"


async def test_nothing_is_concluded_before_the_last_verdict(
    common: CommonSettings, sqlite_url: str
) -> None:
    async with open_bench(common, sqlite_url) as bench:
        await prepare(bench)
        held_back = min(drawn_items(bench))
        task = bench.queue.tasks.pop(held_back)
        bench.queue.answer(truth)
        await bench.step()
        view = await bench.certificate()
        assert (view.state, view.progress.answered) == ("open", 39)
        bench.queue.resolve(held_back, task["data"], truth(task["data"]), lane="certification")
        await bench.step()
        assert (await bench.certificate()).state == "certified"


async def test_no_run_starts_while_a_certification_is_open(
    common: CommonSettings, sqlite_url: str
) -> None:
    async with open_bench(common, sqlite_url) as bench:
        await prepare(bench)
        with pytest.raises(CertificationOpen):
            await runs.request(bench.resources, bench.project, RunRequest(), "op")
        await bench.label(range(2000, 2100), truth)
        await runs.start_if_due(bench.resources, bench.project)
        assert await runs.queued(bench.resources, PROJECT) is None


async def test_project_that_changed_under_its_certification_is_not_certified(
    common: CommonSettings, database_url: str
) -> None:
    async with open_bench(common, database_url) as bench:
        await prepare(bench)
        bench.queue.answer(truth)
        await bench.put_project(instructions="Judge the seller, not the toy.")
        await bench.step()
        view = await bench.certificate()
        # The next draw is asked under the new instructions.
        assert (view.state, view.attempt) == ("open", 2)
        assert (await bench.promise()).versions["v1"].state == "uncertified"
        bench.queue.answer(truth)
        await bench.step()
        entry = (await bench.promise()).versions["v1"]
        assert entry.state == "certified"
        assert entry.certificate is not None
        assert entry.certificate.digest == certificate_digest(bench.project)


async def test_certificate_ends_when_the_project_changes(
    common: CommonSettings, sqlite_url: str
) -> None:
    async with open_bench(common, sqlite_url) as bench:
        await prepare(bench)
        bench.queue.answer(truth)
        await bench.step()
        await bench.put_project(promise={"target_accuracy": 0.9})
        await bench.step()
        document = await bench.promise()
        assert document.versions["v1"].state == "uncertified"
        assert document.target_accuracy == 0.9


async def test_changed_labels_cancel_the_next_draw(common: CommonSettings, sqlite_url: str) -> None:
    async with open_bench(common, sqlite_url) as bench:
        await prepare(bench)
        await bench.put_project(labels=["negative", "neutral", "positive"])
        await bench.step()
        view = await bench.certificate()
        assert view.state == "cancelled"
        assert "train a new version" in view.detail


async def test_retired_version_is_certified_no_more(
    common: CommonSettings, sqlite_url: str
) -> None:
    async with open_bench(common, sqlite_url, training={"auto_promote": False}) as bench:
        await prepare(bench, pool=10)
        await bench.label(range(2000, 2010), truth)
        await bench.import_reviews(range(100))
        await bench.publish_version()
        await bench.step()
        assert (await bench.certificate()).version == "v2"
        await registry.retire(bench.resources, bench.project, "v2")
        bench.queue.answer(truth)
        await bench.step()
        assert (await bench.certificate()).state == "cancelled"
        assert set((await bench.promise()).versions) == {"v1"}


async def test_a_promise_that_cannot_be_planned_for_ends_its_certification_and_no_more(
    common: CommonSettings, sqlite_url: str
) -> None:
    async with open_bench(common, sqlite_url) as bench:
        certain = StoredPromiseSettings(
            **bench.project.promise.model_dump(exclude={"confidence"}), confidence=1 - 1e-13
        )
        # As the release before stored it.
        bench.project = bench.project.model_copy(update={"promise": certain})
        await bench.resources.store.write_document(project_path(PROJECT), bench.project)
        await prepare(bench)
        view = await bench.certificate()
        assert view.state == "failed"
        assert "no test can be planned" in view.detail
        await bench.step()
        assert drawn_items(bench) == set()
