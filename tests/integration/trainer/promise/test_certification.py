"""Certification against a pool: what is fixed first, what counts, and what comes of it."""

from typing import Any

import pytest

from services.trainer.promise.planning import draw_share
from services.trainer.registry import service as registry
from services.trainer.runs import service as runs
from services.trainer.runs.messages import RunRequest
from services.trainer.runs.service import CertificationOpen
from shared.contracts.base import rfc3339, utc_now
from shared.contracts.certificates import attempt_delta
from shared.contracts.projects import StoredPromiseSettings, certificate_digest
from shared.settings import CommonSettings
from shared.store import project_path
from tests.harness.cases import further
from tests.harness.trainer_and_queue import PROJECT, review, truth
from tests.harness.trainer_parts import TrainerParts, open_trainer_parts


def wrong(data: dict[str, Any]) -> str:
    """A person who always contradicts."""
    return "negative" if truth(data) == "positive" else "positive"


async def prepare(parts: TrainerParts, pool: int = 100) -> None:
    """Publish v1, trained on reviews that are not in the pool."""
    await parts.label(range(1000, 1060), truth)
    await parts.import_reviews(range(pool))
    await parts.publish_version()
    await parts.step()


def drawn_items(parts: TrainerParts) -> set[str]:
    return {i for i, task in parts.queue.tasks.items() if task["lane"] == "certification"}


def answer_with_errors(parts: TrainerParts, errors: int) -> None:
    """Answer the open draw; people contradict so many of its items."""
    known = {outcome["item_id"] for outcome in parts.queue.feed}
    contradicted = [
        parts.queue.tasks[i]["data"]["text"] for i in sorted(drawn_items(parts)) if i not in known
    ][:errors]
    parts.queue.answer(
        lambda data: wrong(data) if data["text"] in contradicted else truth(data), "certification"
    )


async def test_near_copies_of_training_items_are_left_out_of_the_pool(
    common: CommonSettings, database_url: str
) -> None:
    async with open_trainer_parts(common, database_url) as parts:
        trained_on = {f"near-{i}": review(i)["text"] for i in range(1000, 1010)}
        await parts.import_raw([(i, {"text": f"{text}!!"}) for i, text in trained_on.items()])
        await prepare(parts)
        population = (await parts.certificate()).population
        assert (population["size"], population["near_copies_left_out"]) == (100, 10)
        assert not drawn_items(parts) & trained_on.keys()


async def test_right_verdicts_certify_the_version(
    common: CommonSettings, database_url: str
) -> None:
    async with open_trainer_parts(common, database_url) as parts:
        await prepare(parts)
        view = await parts.certificate()
        assert (view.state, view.version, view.attempt) == ("open", "v1", 1)
        assert (view.progress.answered, view.progress.drawn) == (0, 40)
        assert view.plan["delta_attempt"] == pytest.approx(attempt_delta(0.1, 1) * draw_share(1, 3))
        assert view.population["kind"] == "pool"
        assert len(drawn_items(parts)) == 40
        assert (await parts.promise()).versions["v1"].state == "uncertified"

        parts.queue.answer(truth)
        await parts.step()
        entry = (await parts.promise()).versions["v1"]
        assert entry.state == "certified"
        assert entry.certificate is not None
        assert (entry.certificate.labels, entry.certificate.errors) == (40, 0)
        assert entry.certificate.upper_bound < 0.2
        assert entry.certificate.digest == certificate_digest(parts.project)
        assert entry.threshold == entry.certificate.threshold
        assert entry.expires_at is not None
        assert entry.watched_until is not None
        assert (await parts.channels()).champion == "v1"


@pytest.mark.any_database
async def test_a_test_goes_on_with_further_draws_until_they_are_spent(
    common: CommonSettings, database_url: str
) -> None:
    async with open_trainer_parts(common, database_url) as parts:
        await prepare(parts, pool=200)
        for attempt in (1, 2, 3):
            view = await parts.certificate()
            assert (view.state, view.attempt) == ("open", attempt)
            assert len(drawn_items(parts)) == 40 * attempt
            assert view.test_number == 1
            spent = attempt_delta(0.1, 1) * draw_share(attempt, 3)
            assert view.plan["delta_attempt"] == pytest.approx(spent)
            answer_with_errors(parts, 7)
            await parts.step()
        view = await parts.certificate()
        assert (view.state, view.attempt) == ("failed", 3)
        assert view.detail.startswith("not certified")
        assert "its draws are spent" in view.detail
        assert (await parts.promise()).versions["v1"].state == "uncertified"
        await parts.step()
        assert len(drawn_items(parts)) == 120


@pytest.mark.any_database
async def test_a_second_draw_may_certify_with_the_labels_of_the_first(
    common: CommonSettings, database_url: str
) -> None:
    async with open_trainer_parts(common, database_url) as parts:
        await prepare(parts)
        answer_with_errors(parts, 8)
        await parts.step()
        parts.queue.answer(truth)
        await parts.step()
        entry = (await parts.promise()).versions["v1"]
        assert entry.state == "certified"
        assert entry.certificate is not None
        assert (entry.certificate.attempt, entry.certificate.labels) == (1, 80)
        assert entry.certificate.errors == 8
        assert entry.certificate.delta == pytest.approx(attempt_delta(0.1, 1))


async def test_what_has_become_an_error_since_the_first_draw_is_one(
    common: CommonSettings, sqlite_url: str
) -> None:
    async with open_trainer_parts(common, sqlite_url) as parts:
        await prepare(parts)
        answer_with_errors(parts, 5)
        await parts.step()
        right = next(
            outcome
            for outcome in parts.queue.feed
            if outcome["lane"] == "certification" and outcome["label"] == truth(outcome["data"])
        )
        item, data = right["item_id"], right["data"]
        parts.queue.resolve(item, data, wrong(data), revision=2, lane="certification")
        parts.queue.answer(truth)
        await parts.step()
        certificate = (await parts.promise()).versions["v1"].certificate
        assert certificate is not None
        assert certificate.errors == 6


@pytest.mark.thorough
async def test_an_edit_between_the_draws_begins_another_test(
    common: CommonSettings, sqlite_url: str
) -> None:
    async with open_trainer_parts(common, sqlite_url) as parts:
        await prepare(parts, pool=70)
        answer_with_errors(parts, 8)
        await parts.step()
        assert (await parts.certificate()).state == "waiting"
        await parts.put_project(instructions="Judge the seller, not the toy.")
        await parts.import_reviews(range(100, 200))
        await parts.step()
        view = await parts.certificate()
        assert (view.state, view.attempt, view.test_number) == ("open", 2, 2)
        assert view.plan["labels"] == 40


@pytest.mark.any_database
async def test_a_draw_ends_early_once_no_further_labels_could_certify(
    common: CommonSettings, database_url: str
) -> None:
    async with open_trainer_parts(common, database_url) as parts:
        await prepare(parts)
        for item_id in sorted(drawn_items(parts))[:20]:
            data = parts.queue.tasks[item_id]["data"]
            parts.queue.resolve(item_id, data, wrong(data), lane="certification")
        await parts.step()
        view = await parts.certificate()
        assert (view.state, view.attempt) == ("failed", 1)
        assert "20 of 20 labels are errors" in view.detail
        assert len(drawn_items(parts)) == 40


@pytest.mark.parametrize(
    "fault", ["unanswerable", "refused", *further("suggestion in sight", "other data")]
)
async def test_what_is_no_blind_answer_is_an_error(
    common: CommonSettings, sqlite_url: str, fault: str
) -> None:
    async with open_trainer_parts(common, sqlite_url) as parts:
        parts.queue.refuses = {f"item-{i}" for i in range(100)} if fault == "refused" else set()
        await prepare(parts)
        if fault != "refused":
            for item_id in drawn_items(parts):
                data = parts.queue.tasks[item_id]["data"]
                label = None if fault == "unanswerable" else truth(data)
                blind = fault != "suggestion in sight"
                if fault == "other data":
                    data = {"text": "another item under the same id"}
                parts.queue.resolve(item_id, data, label, lane="certification", blind=blind)
            await parts.step()
        view = await parts.certificate()
        assert view.state == "failed"
        assert (await parts.promise()).versions["v1"].state == "uncertified"


async def test_nothing_is_concluded_before_the_last_verdict(
    common: CommonSettings, sqlite_url: str
) -> None:
    async with open_trainer_parts(common, sqlite_url) as parts:
        await prepare(parts)
        held_back = min(drawn_items(parts))
        task = parts.queue.tasks.pop(held_back)
        parts.queue.answer(truth)
        await parts.step()
        view = await parts.certificate()
        assert (view.state, view.progress.answered) == ("open", 39)
        parts.queue.resolve(held_back, task["data"], truth(task["data"]), lane="certification")
        await parts.step()
        assert (await parts.certificate()).state == "certified"


async def test_no_run_starts_while_a_certification_is_open(
    common: CommonSettings, sqlite_url: str
) -> None:
    async with open_trainer_parts(common, sqlite_url) as parts:
        await prepare(parts)
        with pytest.raises(CertificationOpen):
            await runs.request(parts.resources, parts.project, RunRequest(), "op")
        await parts.label(range(2000, 2100), truth)
        await runs.start_if_due(parts.resources, parts.project)
        assert await runs.queued(parts.resources, PROJECT) is None


@pytest.mark.any_database
async def test_project_that_changed_under_its_certification_is_not_certified(
    common: CommonSettings, database_url: str
) -> None:
    async with open_trainer_parts(common, database_url) as parts:
        await prepare(parts)
        parts.queue.answer(truth)
        await parts.put_project(instructions="Judge the seller, not the toy.")
        await parts.step()
        view = await parts.certificate()
        # The next draw is asked under the new instructions.
        assert (view.state, view.attempt) == ("open", 2)
        assert (await parts.promise()).versions["v1"].state == "uncertified"
        parts.queue.answer(truth)
        await parts.step()
        entry = (await parts.promise()).versions["v1"]
        assert entry.state == "certified"
        assert entry.certificate is not None
        assert entry.certificate.digest == certificate_digest(parts.project)


async def test_certificate_ends_when_the_project_changes(
    common: CommonSettings, sqlite_url: str
) -> None:
    async with open_trainer_parts(common, sqlite_url) as parts:
        await prepare(parts)
        parts.queue.answer(truth)
        await parts.step()
        await parts.put_project(promise={"target_accuracy": 0.9})
        await parts.step()
        document = await parts.promise()
        assert document.versions["v1"].state == "uncertified"
        assert document.target_accuracy == 0.9


async def test_certificate_outlives_an_edit_that_only_changes_the_wording(
    common: CommonSettings, sqlite_url: str
) -> None:
    async with open_trainer_parts(common, sqlite_url) as parts:
        await prepare(parts)
        parts.queue.answer(truth)
        await parts.step()
        moment = rfc3339(utc_now())
        rewording = {"instructions": "", "revision": 2, "declared_by": "o", "declared_at": moment}
        await parts.put_project(instructions="Judge the toy.", rewording=rewording)
        await parts.step()
        assert (await parts.promise()).versions["v1"].state == "certified"


async def test_changed_labels_cancel_the_next_draw(common: CommonSettings, sqlite_url: str) -> None:
    async with open_trainer_parts(common, sqlite_url) as parts:
        await prepare(parts)
        await parts.put_project(labels=["negative", "neutral", "positive"])
        await parts.step()
        view = await parts.certificate()
        assert view.state == "cancelled"
        assert "train a new version" in view.detail


@pytest.mark.thorough
async def test_retired_version_is_certified_no_more(
    common: CommonSettings, sqlite_url: str
) -> None:
    async with open_trainer_parts(common, sqlite_url, training={"auto_promote": False}) as parts:
        await prepare(parts, pool=10)
        await parts.label(range(2000, 2010), truth)
        await parts.import_reviews(range(100))
        await parts.publish_version()
        await parts.step()
        assert (await parts.certificate()).version == "v2"
        await registry.retire(parts.resources, parts.project, "v2", "op")
        parts.queue.answer(truth)
        await parts.step()
        assert (await parts.certificate()).state == "cancelled"
        assert set((await parts.promise()).versions) == {"v1"}


async def test_a_promise_that_cannot_be_planned_for_ends_its_certification_and_no_more(
    common: CommonSettings, sqlite_url: str
) -> None:
    async with open_trainer_parts(common, sqlite_url) as parts:
        certain = StoredPromiseSettings(
            **parts.project.promise.model_dump(exclude={"confidence"}), confidence=1 - 1e-13
        )
        # As the release before stored it.
        parts.project = parts.project.model_copy(update={"promise": certain})
        await parts.resources.store.write_document(project_path(PROJECT), parts.project)
        await prepare(parts)
        view = await parts.certificate()
        assert view.state == "failed"
        assert "no test can be planned" in view.detail
        await parts.step()
        assert drawn_items(parts) == set()


async def test_an_item_that_expired_is_waited_for_and_one_that_was_skipped_is_an_error(
    common: CommonSettings, sqlite_url: str
) -> None:
    async with open_trainer_parts(common, sqlite_url) as parts:
        await prepare(parts)
        expired, skipped, *_ = sorted(drawn_items(parts))
        for item_id, source in ((expired, "expiry"), (skipped, "human")):
            data = parts.queue.tasks[item_id]["data"]
            parts.queue.resolve(item_id, data, None, lane="certification", source=source)
        parts.queue.answer(truth)
        await parts.step()
        view = await parts.certificate()
        assert (view.state, view.progress.answered, view.progress.drawn) == ("open", 39, 40)
        data = parts.queue.tasks[expired]["data"]
        parts.queue.resolve(expired, data, truth(data), lane="certification", revision=2)
        await parts.step()
        certificate = (await parts.promise()).versions["v1"].certificate
        assert certificate is not None
        assert (certificate.labels, certificate.errors) == (40, 1)
