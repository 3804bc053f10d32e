"""The rest of a pool: certified answers become labels, the others tasks, and nothing else."""

import csv
import io
from typing import Any

import orjson
import pytest
from pyarrow import parquet

from services.trainer.datasets.repository import chosen_items
from services.trainer.datasets.service import freeze, load
from services.trainer.jobs import autolabel
from services.trainer.jobs.labels import service as labels
from services.trainer.jobs.messages import AutolabelRequest, JobView
from services.trainer.jobs.service import new_job, view
from services.trainer.jobs.worker import JobWorker
from services.trainer.outcomes.service import read_feed
from services.trainer.pool import repository as pool
from services.trainer.pool.rows import parse_csv
from services.trainer.pool.service import count
from services.trainer.posting.repository import post_unanswered_again
from services.trainer.queue_client import QueueAway
from services.trainer.selection.messages import BatchRequest
from services.trainer.selection.service import ask_batch
from services.trainer.tables import base
from services.trainer.watch import suspension
from shared.problems import Conflict
from shared.settings import CommonSettings
from tests.harness.trainer_and_queue import PROJECT, review, truth
from tests.harness.trainer_parts import TrainerParts
from tests.integration.trainer.jobs.parts import begin as begin_scoring
from tests.integration.trainer.jobs.parts import job_of, open_certified, work

UNSURE = {f"unsure-{n}": {"text": f"zzz qqq {n}"} for n in range(7)}


async def begin(parts: TrainerParts, *, ask: bool = True) -> JobView:
    wanted = AutolabelRequest(ask=ask)
    return await autolabel.begin(parts.resources, parts.project, wanted, "olivia")


async def add_more(parts: TrainerParts, sure: int = 30) -> None:
    """Add items to the pool: some that the version is sure of, and seven that it is not."""
    await parts.import_reviews(range(200, 200 + sure))
    await parts.import_raw(list(UNSURE.items()))


async def rows_of(parts: TrainerParts, source: Any = "all") -> dict[str, dict[str, Any]]:
    pieces = await labels.export(parts.resources, parts.project, "jsonl", source)
    body = b"".join([one async for one in pieces])
    return {row["item_id"]: row for row in map(orjson.loads, body.splitlines())}


async def test_certified_answers_become_labels_and_the_others_tasks(
    common: CommonSettings, database_url: str
) -> None:
    async with open_certified(common, database_url) as parts:
        await add_more(parts)
        left = (await count(parts.resources, PROJECT)).waiting
        job = await begin(parts)
        assert (await begin(parts)).job_id == job.job_id
        await work(parts)
        ended = await job_of(parts, job.job_id)
        assert (ended.state, ended.progress) == ("succeeded", 1.0)
        assert (ended.rows, ended.answered, ended.declined) == (left, left - 7, 7)
        counts = await count(parts.resources, PROJECT)
        assert (counts.waiting, counts.answered) == (0, left - 7)
        lanes = {i: task["lane"] for i, task in parts.queue.tasks.items() if i in UNSURE}
        assert lanes == dict.fromkeys(UNSURE, "mandatory")
        made = await rows_of(parts, "model")
        assert len(made) == left - 7
        entry = (await parts.promise()).versions["v1"]
        assert entry.certificate is not None
        for item_id, row in made.items():
            number = int(item_id.removeprefix("item-"))
            assert (row["source"], row["label"]) == ("model", truth(review(number)))
            assert row["data"] == review(number)
            proof = row["certificate"]
            assert proof["certificate_id"] == entry.certificate.evidence["certification_id"]
            assert row["confidence"] >= proof["threshold"]
        with pytest.raises(Conflict, match="No item"):
            await begin(parts)


async def test_labels_of_a_version_train_nothing_and_people_supersede_them(
    common: CommonSettings, sqlite_url: str
) -> None:
    async with open_certified(common, sqlite_url) as parts:
        await add_more(parts)
        await begin(parts)
        await work(parts)
        made = await rows_of(parts, "model")
        dataset, _ = await freeze(parts.resources, parts.project)
        assert not made.keys() & {row.item_id for row in await load(parts.resources, dataset)}
        one = min(made)
        parts.queue.resolve(one, review(1), "positive", lane="mandatory", verdicts=3)
        await read_feed(parts.resources, PROJECT)
        row = (await rows_of(parts))[one]
        assert (row["source"], row["verdicts"], row["certificate"]) == ("human", 3, None)
        assert one not in await rows_of(parts, "model")
        parts.queue.resolve(max(made), {}, "positive", erased=True)
        await read_feed(parts.resources, PROJECT)
        assert max(made) not in await rows_of(parts)


@pytest.mark.thorough
@pytest.mark.any_database
async def test_a_job_that_broke_off_goes_on_with_what_is_left(
    common: CommonSettings, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(autolabel, "_BATCH", 10)
    async with open_certified(common, database_url) as parts:
        await add_more(parts)
        left = (await count(parts.resources, PROJECT)).waiting
        job = await begin(parts)
        record, calls = autolabel.AutolabelSteps._record, []

        async def dying(self: Any, *args: Any) -> bool:
            calls.append(args)
            if len(calls) == 3:
                raise SystemExit
            return await record(self, *args)

        monkeypatch.setattr(autolabel.AutolabelSteps, "_record", dying)
        with pytest.raises(SystemExit):
            await work(parts)
        assert (await job_of(parts, job.job_id)).rows == 20
        await work(parts)
        ended = await job_of(parts, job.job_id)
        assert (ended.state, ended.rows, ended.answered) == ("succeeded", left, left - 7)
        assert UNSURE.keys() <= parts.queue.tasks.keys()


async def test_a_suspended_promise_stops_the_job_and_floods_nobody(
    common: CommonSettings, sqlite_url: str
) -> None:
    async with open_certified(common, sqlite_url) as parts:
        await add_more(parts)
        left = (await count(parts.resources, PROJECT)).waiting
        job = await begin(parts)
        await suspension.suspend(parts.resources, parts.project, "wrong answers", "olivia")
        await parts.resources.documents.sync(PROJECT)
        tasks = set(parts.queue.tasks)
        await work(parts)
        ended = await job_of(parts, job.job_id)
        assert ended.state == "failed"
        assert "the promise is suspended" in (ended.detail or "")
        assert set(parts.queue.tasks) == tasks
        assert (await count(parts.resources, PROJECT)).waiting == left


async def test_what_was_recorded_is_asked_for_even_if_the_promise_ends_before(
    common: CommonSettings, sqlite_url: str
) -> None:
    async with open_certified(common, sqlite_url) as parts:
        await add_more(parts)
        job = await begin(parts)
        parts.queue.is_away = True
        with pytest.raises(QueueAway):
            await work(parts)
        assert not UNSURE.keys() & parts.queue.tasks.keys()
        await suspension.suspend(parts.resources, parts.project, "wrong answers", "olivia")
        await parts.resources.documents.sync(PROJECT)
        parts.queue.is_away = False
        await work(parts)
        assert (await job_of(parts, job.job_id)).state == "failed"
        tasks = {i: task for i, task in parts.queue.tasks.items() if i in UNSURE}
        assert tasks.keys() == UNSURE.keys()
        for task in tasks.values():
            assert task["lane"] == "mandatory"
            assert task["prediction"]["model_version"] == "v1"
            assert task["prediction"]["reason"] == "below_threshold"
        counts = await count(parts.resources, PROJECT)
        assert counts.waiting == 0


async def test_a_certificate_from_traffic_is_named_and_cautioned_about(
    common: CommonSettings, sqlite_url: str
) -> None:
    async with open_certified(common, sqlite_url) as parts:
        await add_more(parts)
        job = await begin(parts)
        await work(parts)
        ended = await job_of(parts, job.job_id)
        assert (ended.population, ended.caution) == ("pool", None)
        row = next(iter((await rows_of(parts, "model")).values()))
        assert row["certificate"]["population"] == "pool"
        scored = await begin_scoring(parts, b'{"text": "the box was great"}')
        await work(parts)
        assert "not on this file" in ((await job_of(parts, scored.job_id)).caution or "")
        traffic = new_job(parts.resources, parts.project, "autolabel")
        traffic.population = "traffic"
        assert "recent traffic, not on this pool" in (view(traffic).caution or "")


@pytest.mark.thorough
async def test_large_items_are_read_a_few_at_a_time(
    common: CommonSettings, sqlite_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(base, "_PAGE_CHARACTERS", 1000)
    async with open_certified(common, sqlite_url) as parts:
        await parts.import_raw([(f"large-{n}", {"text": f"{n}" * 400}) for n in range(1, 9)])
        async with parts.resources.database.reading() as session:
            assert await pool.count_within(session, PROJECT, 100, states=("waiting",)) <= 10
            await pool.in_states(session, PROJECT, 1)
        job = await begin(parts)
        await work(parts)
        assert (await job_of(parts, job.job_id)).state == "succeeded"
        assert (await count(parts.resources, PROJECT)).waiting == 0


async def test_texts_are_no_formulas_in_a_csv_of_labels(
    common: CommonSettings, sqlite_url: str
) -> None:
    async with open_certified(common, sqlite_url) as parts:
        texts = {"=1+1": "=cmd|' /C calc'!A0 great", "@b": "'quoted great", "c": "plain great"}
        for item_id, text in texts.items():
            parts.queue.resolve(item_id, {"text": text}, "positive")
        await read_feed(parts.resources, PROJECT)
        pieces = await labels.export(parts.resources, parts.project, "csv", "people")
        body = b"".join([one async for one in pieces]).decode()
        rows = {row["item_id"]: row for row in csv.DictReader(io.StringIO(body))}
        assert rows["'=1+1"]["text"] == "'=cmd|' /C calc'!A0 great"
        assert rows["'@b"]["text"] == "''quoted great"
        # What an export has guarded is read as it was.
        sheet = io.StringIO()
        writer = csv.writer(sheet)
        writer.writerows([["item_id", "text"], *([key, rows[key]["text"]] for key in rows)])
        parsed = parse_csv(sheet.getvalue().encode(), parts.project)
        found = {one.item.item_id: one.item.data["text"] for one in parsed if one.item is not None}
        assert found.items() >= texts.items()


async def test_without_asking_what_is_not_certified_keeps_waiting(
    common: CommonSettings, sqlite_url: str
) -> None:
    async with open_certified(common, sqlite_url) as parts:
        await add_more(parts)
        job = await begin(parts, ask=False)
        await JobWorker(parts.resources).loop.turn()
        assert (await job_of(parts, job.job_id)).state == "succeeded"
        counts = await count(parts.resources, PROJECT)
        # A version chose what is left: neither a random batch nor a certificate is drawn from it.
        assert (counts.waiting, counts.reserved) == (len(UNSURE), 0)
        assert not UNSURE.keys() & parts.queue.tasks.keys()
        async with parts.resources.database.reading() as session:
            assert await pool.uniform_states(session, PROJECT) == ("reserved",)
        wanted = BatchRequest(strategy="random", size=50)
        batch = await ask_batch(parts.resources, parts.project, wanted, "olivia")
        assert batch.arms == {"remaining": len(UNSURE)}


async def test_what_a_version_left_to_people_is_never_a_uniform_draw(
    common: CommonSettings, sqlite_url: str
) -> None:
    async with open_certified(common, sqlite_url) as parts:
        await add_more(parts)
        await begin(parts)
        await work(parts)
        parts.queue.tasks.clear()
        async with parts.resources.database.transaction() as session:
            await post_unanswered_again(session, PROJECT)
            assert await chosen_items(session, PROJECT) == UNSURE.keys()
        await parts.resources.posting.post_pending(PROJECT)
        lanes = {i: task["lane"] for i, task in parts.queue.tasks.items()}
        assert lanes == dict.fromkeys(UNSURE, "mandatory")


async def test_labels_are_exported_as_csv_with_a_column_for_each_field(
    common: CommonSettings, sqlite_url: str
) -> None:
    async with open_certified(common, sqlite_url) as parts:
        await add_more(parts)
        await begin(parts, ask=False)
        await work(parts)
        pieces = await labels.export(parts.resources, parts.project, "csv", "all")
        text = b"".join([one async for one in pieces]).decode()
        rows = list(csv.DictReader(io.StringIO(text)))
        assert len(rows) == len(await rows_of(parts))
        model = [row for row in rows if row["source"] == "model"]
        assert model
        assert all(row["certificate_id"] and row["text"] for row in model)
        assert {row["source"] for row in rows} == {"human", "model"}


async def test_labels_are_exported_as_parquet_with_typed_columns(
    common: CommonSettings, sqlite_url: str
) -> None:
    async with open_certified(common, sqlite_url) as parts:
        await add_more(parts)
        await begin(parts, ask=False)
        await work(parts)
        # Of before the project had these fields.
        parts.queue.resolve("old", {"body": "great", "stars": 3}, "positive")
        await read_feed(parts.resources, PROJECT)
        expected = await rows_of(parts)
        pieces = await labels.export(parts.resources, parts.project, "parquet", "all")
        table = parquet.read_table(io.BytesIO(b"".join([one async for one in pieces])))
        assert str(table.schema.field("labelled_at").type) == "timestamp[us, tz=UTC]"
        made = {row["item_id"]: row for row in table.to_pylist()}
        assert made.keys() == expected.keys()
        old = made.pop("old")
        assert (old["text"], orjson.loads(old["data"])) == (None, {"body": "great", "stars": 3})
        for item_id, row in made.items():
            whole = expected[item_id]
            same = ("label", "source", "confidence", "verdicts", "revision", "lane")
            assert [row[name] for name in same] == [whole[name] for name in same]
            assert (row["text"], row["data"]) == (whole["data"]["text"], None)
            proof = whole["certificate"] or {}
            assert row["certificate_id"] == proof.get("certificate_id")
            assert row["threshold"] == proof.get("threshold")
