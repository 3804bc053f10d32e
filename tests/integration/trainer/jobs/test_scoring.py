"""Scoring a file by job: decided as the router decides, resumed, cancelled, erased."""

import csv
import io
from collections.abc import AsyncIterator
from typing import Any

import orjson
import pytest

from services.trainer.datasets.cleaning import clean_snapshots
from services.trainer.jobs import scoring, service
from services.trainer.jobs.messages import StoredFile
from services.trainer.jobs.results import open_result, write_part
from services.trainer.jobs.worker import RESULTS_KEPT, JobWorker
from services.trainer.outcomes.service import read_feed
from services.trainer.tables import Job
from services.trainer.watch import suspension
from shared.problems import BodyTooLarge, Conflict, NotFound, Unprocessable
from shared.settings import CommonSettings
from tests.harness.trainer_and_queue import PROJECT, review, truth
from tests.harness.trainer_parts import open_trainer_parts
from tests.integration.trainer.jobs.parts import begin, job_of, open_certified, result_of, work


def lines(*rows: Any) -> bytes:
    return b"\n".join(one if isinstance(one, bytes) else orjson.dumps(one) for one in rows)


@pytest.mark.any_database
async def test_rows_are_answered_under_the_certificate_or_declined(
    common: CommonSettings, database_url: str
) -> None:
    async with open_certified(common, database_url) as parts:
        body = lines(
            {"item_id": "a", "data": review(1), "metadata": {"any": "thing"}},
            {"text": review(2)["text"], "colour": "unknown to the project"},
            {"item_id": "c", "data": {"text": "zzz qqq"}},
            b"no JSON",
            {"item_id": "e", "data": {"words": "no such field"}},
        )
        job = await begin(parts, body)
        assert (job.kind, job.state, job.version, job.requested_by) == (
            "scoring",
            "queued",
            "v1",
            "olivia",
        )
        await work(parts)
        ended = await job_of(parts, job.job_id)
        assert (ended.state, ended.progress, ended.detail) == ("succeeded", 1.0, None)
        assert (ended.rows, ended.answered, ended.declined, ended.rejected) == (5, 2, 1, 2)
        rows = await result_of(parts, job.job_id)
        entry = (await parts.promise()).versions["v1"]
        assert entry.certificate is not None
        certificate_id = entry.certificate.evidence["certification_id"]
        assert [row["line"] for row in rows] == [1, 2, 3, 4, 5]
        assert [row["item_id"] for row in rows] == ["a", None, "c", None, "e"]
        first, second, third, fourth, fifth = rows
        for row, number in ((first, 1), (second, 2)):
            assert (row["decision"], row["reason"]) == ("answered", "confident")
            assert row["label"] == row["suggestion"] == truth(review(number))
            assert row["confidence"] >= entry.threshold
            assert row["certificate_id"] == certificate_id
        assert (third["decision"], third["reason"]) == ("declined", "below_threshold")
        assert (third["label"], third["certificate_id"]) == (None, None)
        assert third["suggestion"] in parts.project.labels
        assert fourth["decision"] == fifth["decision"] == "rejected"
        assert "words" in fifth["detail"]
        # The upload is deleted, the result stays.
        files = await parts.resources.store.files(f"{PROJECT}/jobs")
        assert [path.rpartition("/")[2].split("-")[0] for path in files] == ["part"]


async def test_a_csv_file_may_have_columns_of_its_own(
    common: CommonSettings, sqlite_url: str
) -> None:
    async with open_certified(common, sqlite_url) as parts:
        sheet = io.StringIO()
        writer = csv.writer(sheet)
        writer.writerow(["notes", "text", "item_id"])
        writer.writerow(["mine", review(1)["text"], "a"])
        writer.writerow(["two\nlines", review(2)["text"], ""])
        writer.writerow(["too", "many", "cells", "here"])
        job = await begin(parts, sheet.getvalue().encode(), "csv")
        await work(parts)
        pieces = await open_result(parts.resources, PROJECT, job.job_id, "csv")
        text = b"".join([one async for one in pieces]).decode()
        rows = list(csv.DictReader(io.StringIO(text)))
        assert [(row["line"], row["item_id"], row["decision"]) for row in rows] == [
            ("2", "a", "answered"),
            ("4", "", "answered"),
            ("5", "", "rejected"),
        ]
        assert rows[0]["label"] == truth(review(1))


@pytest.mark.parametrize(
    ("body", "words"),
    [(b"notes\nx\n", "no column for these fields"), (b'text\n"open', "not CSV from line 2")],
)
async def test_a_file_that_cannot_be_read_fails_the_job_with_a_sentence(
    common: CommonSettings, sqlite_url: str, body: bytes, words: str
) -> None:
    async with open_certified(common, sqlite_url) as parts:
        job = await begin(parts, body, "csv")
        await work(parts)
        ended = await job_of(parts, job.job_id)
        assert ended.state == "failed"
        assert words in (ended.detail or "")


async def test_a_job_goes_on_behind_the_part_that_was_recorded_last(
    common: CommonSettings, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(scoring, "PART_ROWS", 10)
    async with open_certified(common, database_url) as parts:
        body = lines(*({"item_id": f"i-{n}", "data": review(n)} for n in range(35)))
        job = await begin(parts, body)
        written: list[str] = []

        async def dying(resources: Any, of: Any, rows: Any) -> str:
            path = await write_part(resources, of, rows)
            written.append(path)
            if len(written) == 3:
                raise SystemExit
            return path

        monkeypatch.setattr(scoring, "write_part", dying)
        with pytest.raises(SystemExit):
            await work(parts)
        half = await job_of(parts, job.job_id)
        assert (half.state, half.rows) == ("running", 20)
        assert 0 < half.progress <= 1
        with pytest.raises(Conflict, match="not ended"):
            await open_result(parts.resources, PROJECT, job.job_id, "jsonl")
        await work(parts)
        assert (await job_of(parts, job.job_id)).rows == 35
        rows = await result_of(parts, job.job_id)
        assert [row["item_id"] for row in rows] == [f"i-{n}" for n in range(35)]


async def test_a_trainer_that_comes_back_goes_on_where_the_other_one_stopped(
    common: CommonSettings, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(scoring, "PART_ROWS", 2)
    async with open_certified(common, database_url) as parts:
        job = await begin(parts, lines(*({"item_id": f"i{n}", **review(n)} for n in range(9))))
        first, other = JobWorker(parts.resources), JobWorker(parts.resources)
        for worker in (first, other, other, first, first):
            async with parts.resources.database.reading() as session:
                row = await session.get_one(Job, job.job_id)
            await worker._carry_on(row)
        await first.loop.turn()
        ended = await job_of(parts, job.job_id)
        assert (ended.state, ended.rows) == ("succeeded", 9)
        rows = await result_of(parts, job.job_id)
        assert [row["item_id"] for row in rows] == [f"i{n}" for n in range(9)]


async def test_a_job_that_cannot_go_on_stops_no_other(
    common: CommonSettings, sqlite_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with open_certified(common, sqlite_url) as parts:
        stuck = await begin(parts, lines(review(1)))
        job = await begin(parts, lines(review(2)))
        step = scoring.ScoringSteps.step

        async def failing(self: Any, project: Any) -> bool:
            if self._job_id == stuck.job_id:
                raise OSError("the store is away")
            return await step(self, project)

        monkeypatch.setattr(scoring.ScoringSteps, "step", failing)
        with pytest.raises(OSError, match="away"):
            await work(parts)
        assert (await job_of(parts, job.job_id)).state == "succeeded"
        assert (await job_of(parts, stuck.job_id)).state == "running"


async def test_rows_after_a_suspension_are_declined(
    common: CommonSettings, sqlite_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(scoring, "PART_ROWS", 10)
    async with open_certified(common, sqlite_url) as parts:
        body = lines(*({"data": review(n)} for n in range(20)))
        job = await begin(parts, body)

        async def suspending(resources: Any, of: Any, rows: Any) -> str:
            if of.parts == 0:
                await suspension.suspend(
                    resources, parts.project, "wrong answers were seen", "olivia"
                )
                await resources.documents.sync(PROJECT)
            return await write_part(resources, of, rows)

        monkeypatch.setattr(scoring, "write_part", suspending)
        await work(parts)
        rows = await result_of(parts, job.job_id)
        assert {row["decision"] for row in rows[:10]} == {"answered"}
        assert {row["reason"] for row in rows[10:]} == {"promise_suspended"}
        assert {row["label"] for row in rows[10:]} == {None}


@pytest.mark.any_database
async def test_a_cancelled_job_keeps_what_it_has_scored(
    common: CommonSettings, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(scoring, "PART_ROWS", 10)
    async with open_certified(common, database_url) as parts:
        body = lines(*({"data": review(n)} for n in range(40)))
        job = await begin(parts, body)

        async def cancelling(resources: Any, of: Any, rows: Any) -> str:
            if of.parts == 2:
                await service.cancel(resources, PROJECT, job.job_id)
            return await write_part(resources, of, rows)

        monkeypatch.setattr(scoring, "write_part", cancelling)
        await work(parts)
        ended = await job_of(parts, job.job_id)
        assert (ended.state, ended.rows) == ("cancelled", 20)
        assert len(await result_of(parts, job.job_id)) == 20
        assert len(await parts.resources.store.files(f"{PROJECT}/jobs")) == 2
        # Once more changes nothing.
        assert (await service.cancel(parts.resources, PROJECT, job.job_id)).state == "cancelled"


async def test_only_incoming_files_of_the_project_are_taken_from_the_store(
    common: CommonSettings, sqlite_url: str
) -> None:
    async with open_certified(common, sqlite_url) as parts:
        resources, project = parts.resources, parts.project
        await resources.store.write(f"{PROJECT}/incoming/new.jsonl", lines({"data": review(1)}))
        for path in (
            f"{PROJECT}/project.json",
            f"{PROJECT}/incoming/../project.json",
            "other/incoming/new.jsonl",
            f"{PROJECT}/incoming/none.jsonl",
            f"{PROJECT}/incoming/\x00.jsonl",
            f"{PROJECT}/incoming/new.parquet",
        ):
            with pytest.raises(Unprocessable):
                await service.score_stored(resources, project, StoredFile(path=path), "olivia")
        wanted = StoredFile(path=f"{PROJECT}/incoming/new.jsonl")
        job = await service.score_stored(resources, project, wanted, "olivia")
        await work(parts)
        assert (await job_of(parts, job.job_id)).answered == 1
        # It is not ours to delete.
        assert await resources.store.size(wanted.path)


async def test_without_a_version_nothing_is_taken(common: CommonSettings, sqlite_url: str) -> None:
    async with open_trainer_parts(common, sqlite_url) as parts:
        with pytest.raises(service.NothingServes):
            await begin(parts, lines({"data": review(1)}))
        assert await parts.resources.store.files(f"{PROJECT}/jobs") == []
        with pytest.raises(NotFound):
            await job_of(parts, "none")


async def test_an_upload_that_is_too_large_or_breaks_off_leaves_nothing(
    common: CommonSettings, sqlite_url: str
) -> None:
    async with open_certified(common, sqlite_url) as parts:
        limit = parts.resources.settings.scoring_limit_bytes

        class Huge(bytes):
            def __len__(self) -> int:
                return limit + 1

        async def huge() -> AsyncIterator[bytes]:
            yield Huge()

        async def broken() -> AsyncIterator[bytes]:
            yield b"{}"
            raise ConnectionError("gone")

        for body, error in ((huge(), BodyTooLarge), (broken(), ConnectionError)):
            with pytest.raises(error):
                await service.score_upload(parts.resources, parts.project, body, "csv", "olivia")
        assert await parts.resources.store.files(f"{PROJECT}/jobs") == []
        assert not await service.list_jobs(parts.resources, PROJECT, None, 10)


async def test_an_erased_item_leaves_the_results(common: CommonSettings, database_url: str) -> None:
    async with open_certified(common, database_url) as parts:
        parts.queue.resolve("gone", review(1), "positive")
        body = lines(*({"item_id": one, "data": review(1)} for one in ("kept", "gone")))
        before = await begin(parts, body)
        await work(parts)
        assert len(await result_of(parts, before.job_id)) == 2
        parts.queue.resolve("gone", {}, "positive", revision=2, erased=True)
        await read_feed(parts.resources, PROJECT)
        await clean_snapshots(parts.resources, PROJECT)
        assert [one["item_id"] for one in await result_of(parts, before.job_id)] == ["kept"]
        after = await begin(parts, body)
        await work(parts)
        assert [one["item_id"] for one in await result_of(parts, after.job_id)] == ["kept"]


async def test_jobs_are_forgotten_with_their_files_after_thirty_days(
    common: CommonSettings, database_url: str
) -> None:
    async with open_certified(common, database_url) as parts:
        job = await begin(parts, lines({"data": review(1)}))
        await work(parts)
        parts.clock.moment += RESULTS_KEPT / 2
        await work(parts)
        assert await result_of(parts, job.job_id)
        parts.clock.moment += RESULTS_KEPT
        await parts.resources.leases.hold(PROJECT)
        await JobWorker(parts.resources).loop.turn()
        with pytest.raises(NotFound):
            await job_of(parts, job.job_id)
        assert await parts.resources.store.files(f"{PROJECT}/jobs") == []
