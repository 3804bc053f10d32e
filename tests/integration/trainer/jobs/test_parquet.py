"""Parquet in and out: into the pool, and through a scoring job."""

import io
from typing import Any

import pyarrow
import pytest
from pyarrow import parquet

from services.trainer.jobs import scoring, service
from services.trainer.jobs.labels import service as labels
from services.trainer.jobs.results import open_result
from services.trainer.jobs.worker import JobWorker
from services.trainer.pool.rows import parse_parquet
from services.trainer.pool.service import import_lines
from services.trainer.tables import Job
from shared.contracts.projects import Project
from shared.parquet import NOT_INSTALLED
from shared.problems import Unprocessable
from shared.settings import CommonSettings
from tests.harness.trainer_and_queue import PROJECT, review, truth
from tests.harness.trainer_parts import TrainerParts, make_project, open_trainer_parts
from tests.integration.trainer.jobs.parts import begin, job_of, open_certified, work


def file_of(table: Any, **options: Any) -> bytes:
    sink = io.BytesIO()
    parquet.write_table(table, sink, **options)
    return sink.getvalue()


def reviews(numbers: range) -> Any:
    return pyarrow.table(
        {
            "notes": [b"bytes are no value of an item" for _ in numbers],
            "item_id": list(numbers),
            "text": [review(n)["text"] for n in numbers],
        }
    )


async def imported(parts: TrainerParts, body: bytes, project: Project | None = None) -> Any:
    given = project or parts.project
    return await import_lines(parts.resources, given, parse_parquet(body, given))


@pytest.mark.thorough
async def test_a_scored_file_comes_back_as_parquet_after_a_crash(
    common: CommonSettings, sqlite_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(scoring, "PART_ROWS", 10)
    async with open_certified(common, sqlite_url) as parts:
        body = file_of(reviews(range(35)), row_group_size=7)
        job = await begin(parts, body, "parquet")
        for _ in range(2):
            # Each of these workers dies after a part.
            async with parts.resources.database.reading() as session:
                current = await session.get_one(Job, job.job_id)
            worker = JobWorker(parts.resources)
            await worker._carry_on(current)
            worker._steps.clear()
        half = await job_of(parts, job.job_id)
        assert (half.rows, half.progress > 0) == (20, True)
        await work(parts)
        ended = await job_of(parts, job.job_id)
        assert (ended.state, ended.rows, ended.answered) == ("succeeded", 35, 35)
        pieces = await open_result(parts.resources, PROJECT, job.job_id, "parquet")
        made = parquet.read_table(io.BytesIO(b"".join([one async for one in pieces])))
        assert made["line"].to_pylist() == list(range(1, 36))
        assert made["item_id"].to_pylist() == [str(n) for n in range(35)]
        assert made["label"].to_pylist() == [truth(review(n)) for n in range(35)]
        assert not list(parts.resources.runs_folder.iterdir())


@pytest.mark.thorough
@pytest.mark.parametrize(
    ("table", "words"),
    [
        (pyarrow.table({"notes": ["x"]}), "no column for these fields"),
        (pyarrow.table({"text": pyarrow.nulls(0)}), None),
    ],
)
async def test_a_parquet_file_without_the_fields_fails_its_job(
    common: CommonSettings, sqlite_url: str, table: Any, words: str | None
) -> None:
    async with open_certified(common, sqlite_url) as parts:
        job = await begin(parts, file_of(table), "parquet")
        await work(parts)
        ended = await job_of(parts, job.job_id)
        assert ended.state == ("succeeded" if words is None else "failed")
        assert (words or "") in (ended.detail or "")


@pytest.mark.thorough
async def test_rows_that_a_project_cannot_take_are_named(
    common: CommonSettings, sqlite_url: str
) -> None:
    fields = {"text": {"type": "text"}, "place": {"type": "vector", "length": 2}}
    async with open_trainer_parts(common, sqlite_url) as parts:
        project = make_project(fields=fields)
        rows: list[Any] = [[1.0, 2], [1.0], None, [3.0, float("nan")]]
        table = {"item_id": ["a", "b", "c", "d"], "text": list("abcd"), "place": rows}
        report = await imported(parts, file_of(pyarrow.table(table)), project)
        assert report.imported == 1
        assert [one.line for one in report.rejected] == [2, 3, 4]
        moments = pyarrow.array([0], pyarrow.timestamp("ms"))
        for value, words in ((moments, "is a date"), (pyarrow.array([b"x"]), "of a type")):
            one = pyarrow.table({"text": value, "place": [[1.0, 2.0]]})
            report = await imported(parts, file_of(one), project)
            assert words in report.rejected[0].detail


@pytest.mark.thorough
async def test_what_repeats_itself_without_end_is_refused_in_bounded_work(
    common: CommonSettings, sqlite_url: str
) -> None:
    async with open_trainer_parts(common, sqlite_url) as parts:
        same = pyarrow.DictionaryArray.from_arrays(
            pyarrow.array([0] * 100_000, pyarrow.int32()), pyarrow.array(["the same text " * 1000])
        )
        body = file_of(pyarrow.table({"text": same}), compression="zstd")
        assert len(body) < 40_000
        report = await imported(parts, body)
        assert (report.imported, report.rejected_count) == (1, 1)
        assert "repeats itself" in report.rejected[0].detail
        with pytest.raises(Unprocessable, match="no Parquet"):
            await imported(parts, b"PAR1 and nothing else")
        with pytest.raises(Unprocessable, match="is not a column"):
            await imported(parts, file_of(pyarrow.table({"words": ["x"]})))


async def test_without_pyarrow_the_problem_says_what_to_install(
    common: CommonSettings, sqlite_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("shared.parquet.is_installed", lambda: False)
    async with open_certified(common, sqlite_url) as parts:
        with pytest.raises(Unprocessable, match=r"surehand-services\[parquet\]"):
            await begin(parts, b"", "parquet")
        job = await begin(parts, b'{"text": "x"}')
        await work(parts)
        with pytest.raises(Unprocessable, match=r"surehand-services\[parquet\]"):
            await open_result(parts.resources, PROJECT, job.job_id, "parquet")
        with pytest.raises(Unprocessable, match=r"surehand-services\[parquet\]"):
            await labels.export(parts.resources, parts.project, "parquet", "all")
    assert "surehand-services[parquet]" in NOT_INSTALLED
    assert service.FORMATS[".parquet"] == "parquet"
