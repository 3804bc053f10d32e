"""The decision log: each file once, corrupt ones marked, old days left alone."""

import gzip

import orjson
import pytest
from sqlalchemy import select

from services.trainer.ledger.repository import DecisionFilter
from services.trainer.ledger.service import LedgerReader, list_decisions
from services.trainer.tables import LedgerFile
from shared.problems import Unavailable
from shared.settings import CommonSettings
from shared.store import project_path
from tests.harness.trainer_and_queue import PROJECT
from tests.harness.trainer_parts import TrainerParts, decision, open_trainer_parts


async def _files(parts: TrainerParts) -> dict[str, tuple[str, int, int]]:
    async with parts.resources.database.reading() as session:
        rows = (await session.execute(select(LedgerFile))).scalars()
        return {
            row.path.rsplit("/", 1)[-1].split(".")[0]: (row.state, row.lines, row.bad_lines)
            for row in rows
        }


async def test_each_file_is_read_once(common: CommonSettings, database_url: str) -> None:
    async with open_trainer_parts(common, database_url) as parts:
        await parts.log_decisions(range(5), "r-1")
        assert await parts.read_ledger() == 5
        await parts.log_decisions(range(5, 8), "r-2")
        assert await parts.read_ledger() == 3
        assert await parts.read_ledger() == 0
        rows = await list_decisions(parts.resources, PROJECT, DecisionFilter(), 0, 100)
        assert [row.item_id for row in rows] == [f"item-{i}" for i in range(8)]


async def test_item_keeps_all_its_decisions(common: CommonSettings, sqlite_url: str) -> None:
    async with open_trainer_parts(common, sqlite_url) as parts:
        await parts.log_decisions([1, 2], "r-1")
        await parts.log_decisions([1], "r-2", reason="forced", review="always")
        await parts.read_ledger()
        rows = await list_decisions(parts.resources, PROJECT, DecisionFilter("item-1"), 0, 100)
        assert [row.row["reason"] for row in rows] == ["no_model", "forced"]


@pytest.mark.any_database
async def test_corrupt_file_is_marked_and_blocks_nothing(
    common: CommonSettings, database_url: str
) -> None:
    async with open_trainer_parts(common, database_url) as parts:
        day = parts.clock.moment.date().isoformat()
        folder = f"{PROJECT}/decisions/{day}"
        good = orjson.dumps(decision(1, parts.clock.moment))
        lines = b"\n".join([good, b'{"item_id": 3}', b"not json", b""])
        await parts.resources.store.write(f"{folder}/a-1.jsonl.gz", b"no gzip at all")
        await parts.resources.store.write(f"{folder}/b-1.jsonl.gz", gzip.compress(lines))
        await parts.log_decisions(range(10, 14), "c-1")
        assert await parts.read_ledger() == 5
        assert await _files(parts) == {
            "a-1": ("corrupt", 0, 0),
            "b-1": ("corrupt", 1, 2),
            "c-1": ("read", 4, 0),
        }
        assert await parts.read_ledger() == 0


async def test_torn_file_gives_what_stands_before_the_tear(
    common: CommonSettings, sqlite_url: str
) -> None:
    async with open_trainer_parts(common, sqlite_url) as parts:
        moment = parts.clock.moment
        lines = [orjson.dumps(decision(i, moment, item_id=f"{i:x}" * 20)) for i in range(1, 400)]
        body = gzip.compress(b"\n".join(lines))
        path = f"{PROJECT}/decisions/{moment.date().isoformat()}/a-1.jsonl.gz"
        await parts.resources.store.write(path, body[: len(body) * 2 // 3])
        read = await parts.read_ledger()
        assert 0 < read < 399
        assert (await _files(parts))["a-1"][0] == "corrupt"


async def test_leftovers_of_yesterday_are_read_and_older_days_are_not_listed(
    common: CommonSettings, sqlite_url: str
) -> None:
    async with open_trainer_parts(common, sqlite_url) as parts:
        await parts.log_decisions([1], "today")
        await parts.read_ledger()
        parts.clock.advance(days=-1)
        await parts.log_decisions([2], "yesterday")
        parts.clock.advance(days=-1)
        await parts.log_decisions([3], "before")
        assert await parts.read_ledger() == 1
        assert set(await _files(parts)) == {"today", "yesterday"}


async def test_reader_that_goes_on_reads_each_file_once_too(
    common: CommonSettings, sqlite_url: str
) -> None:
    async with open_trainer_parts(common, sqlite_url) as parts:
        reader = LedgerReader()
        await parts.log_decisions(range(3), "a")
        assert await reader.read(parts.resources, PROJECT) == 3
        await parts.log_decisions(range(3, 5), "b")
        assert await reader.read(parts.resources, PROJECT) == 2
        assert await reader.read(parts.resources, PROJECT) == 0
        assert await parts.read_ledger() == 0


async def test_decisions_of_a_later_router_are_read(
    common: CommonSettings, sqlite_url: str
) -> None:
    async with open_trainer_parts(common, sqlite_url) as parts:
        later = {"reason": "optional_review", "explanation": {"cost": 1.5}}
        await parts.log_decisions([1], "r-1", **later)
        assert await parts.read_ledger() == 1
        assert await _files(parts) == {"r-1": ("read", 1, 0)}
        (row,) = await list_decisions(parts.resources, PROJECT, DecisionFilter("item-1"), 0, 100)
        assert row.row["reason"] == "optional_review"


async def test_a_project_with_a_field_type_of_a_later_release_is_refused_by_name(
    common: CommonSettings, sqlite_url: str
) -> None:
    async with open_trainer_parts(common, sqlite_url) as parts:
        store, projects = parts.resources.store, parts.resources.projects
        later = orjson.loads(await store.read(project_path(PROJECT)) or b"") | {"project": "later"}
        later["fields"]["sound"] = {"type": "audio", "max_seconds": 3}
        await store.write(project_path("later"), orjson.dumps(later))
        assert await projects.find("later") is None
        with pytest.raises(Unavailable, match=r"the type of sound \(audio\)"):
            await projects.require("later")
        assert await projects.find(PROJECT) == parts.project
