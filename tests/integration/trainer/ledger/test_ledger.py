"""The decision log: each file once, corrupt ones marked, old days left alone."""

import gzip

import orjson
from sqlalchemy import select

from services.trainer.ledger.service import LedgerReader, list_decisions
from services.trainer.tables import LedgerFile
from shared.settings import CommonSettings
from tests.integration.trainer.bench import Bench, decision, open_bench
from tests.integration.trainer.world import PROJECT


async def _files(bench: Bench) -> dict[str, tuple[str, int, int]]:
    async with bench.resources.database.reading() as session:
        rows = (await session.execute(select(LedgerFile))).scalars()
        return {
            row.path.rsplit("/", 1)[-1].split(".")[0]: (row.state, row.lines, row.bad_lines)
            for row in rows
        }


async def test_each_file_is_read_once(common: CommonSettings, database_url: str) -> None:
    async with open_bench(common, database_url) as bench:
        await bench.log_decisions(range(5), "r-1")
        assert await bench.read_ledger() == 5
        await bench.log_decisions(range(5, 8), "r-2")
        assert await bench.read_ledger() == 3
        assert await bench.read_ledger() == 0
        rows = await list_decisions(bench.resources, PROJECT, None, 0, 100)
        assert [row.item_id for row in rows] == [f"item-{i}" for i in range(8)]


async def test_item_keeps_all_its_decisions(common: CommonSettings, sqlite_url: str) -> None:
    async with open_bench(common, sqlite_url) as bench:
        await bench.log_decisions([1, 2], "r-1")
        await bench.log_decisions([1], "r-2", reason="forced", review="always")
        await bench.read_ledger()
        rows = await list_decisions(bench.resources, PROJECT, "item-1", 0, 100)
        assert [row.row["reason"] for row in rows] == ["no_model", "forced"]


async def test_corrupt_file_is_marked_and_blocks_nothing(
    common: CommonSettings, database_url: str
) -> None:
    async with open_bench(common, database_url) as bench:
        day = bench.clock.moment.date().isoformat()
        folder = f"{PROJECT}/decisions/{day}"
        good = orjson.dumps(decision(1, bench.clock.moment))
        lines = b"\n".join([good, b'{"item_id": 3}', b"not json", b""])
        await bench.resources.store.write(f"{folder}/a-1.jsonl.gz", b"no gzip at all")
        await bench.resources.store.write(f"{folder}/b-1.jsonl.gz", gzip.compress(lines))
        await bench.log_decisions(range(10, 14), "c-1")
        assert await bench.read_ledger() == 5
        assert await _files(bench) == {
            "a-1": ("corrupt", 0, 0),
            "b-1": ("corrupt", 1, 2),
            "c-1": ("read", 4, 0),
        }
        assert await bench.read_ledger() == 0


async def test_torn_file_gives_what_stands_before_the_tear(
    common: CommonSettings, sqlite_url: str
) -> None:
    async with open_bench(common, sqlite_url) as bench:
        moment = bench.clock.moment
        lines = [orjson.dumps(decision(i, moment, item_id=f"{i:x}" * 20)) for i in range(1, 400)]
        body = gzip.compress(b"\n".join(lines))
        path = f"{PROJECT}/decisions/{moment.date().isoformat()}/a-1.jsonl.gz"
        await bench.resources.store.write(path, body[: len(body) * 2 // 3])
        read = await bench.read_ledger()
        assert 0 < read < 399
        assert (await _files(bench))["a-1"][0] == "corrupt"


async def test_leftovers_of_yesterday_are_read_and_older_days_are_not_listed(
    common: CommonSettings, sqlite_url: str
) -> None:
    async with open_bench(common, sqlite_url) as bench:
        await bench.log_decisions([1], "today")
        await bench.read_ledger()
        bench.clock.pass_time(days=-1)
        await bench.log_decisions([2], "yesterday")
        bench.clock.pass_time(days=-1)
        await bench.log_decisions([3], "before")
        assert await bench.read_ledger() == 1
        assert set(await _files(bench)) == {"today", "yesterday"}


async def test_reader_that_goes_on_reads_each_file_once_too(
    common: CommonSettings, sqlite_url: str
) -> None:
    async with open_bench(common, sqlite_url) as bench:
        reader = LedgerReader()
        await bench.log_decisions(range(3), "a")
        assert await reader.read(bench.resources, PROJECT) == 3
        await bench.log_decisions(range(3, 5), "b")
        assert await reader.read(bench.resources, PROJECT) == 2
        assert await reader.read(bench.resources, PROJECT) == 0
        assert await bench.read_ledger() == 0
