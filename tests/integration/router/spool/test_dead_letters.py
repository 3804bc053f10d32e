"""Dead letters hold whole items: they go once their project keeps them no longer."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import orjson

from services.router.spool.dead_letters import DEAD_LETTERS_FILE
from services.router.spool.entries import Entry
from services.router.spool.spool import Spool
from shared.settings import CommonSettings
from tests.harness import wait_until
from tests.harness.model_publisher import Publisher
from tests.integration.router.conftest import OpenRouter

NOW = datetime(2026, 11, 25, 12, tzinfo=UTC)
RETENTION = {"shop": 7.0, "news": 30.0}


def line(project: str, item_id: str) -> bytes:
    task: dict[str, Any] = {"item_id": item_id, "data": {"text": "mine"}, "lane": "mandatory"}
    return Entry.of(project, task).line()


def causes(root: Path) -> list[str]:
    files = sorted(root.glob(f"*/{DEAD_LETTERS_FILE}"))
    lines = [line for file in files for line in file.read_bytes().splitlines()]
    return [orjson.loads(line)["cause"] for line in lines]


def only_slot(root: Path) -> list[Path]:
    return list((root / "0").iterdir())


async def test_a_dead_letter_is_kept_as_long_as_its_project_says(tmp_path: Path) -> None:
    spool = Spool(tmp_path, limit_bytes=1024)
    await spool.open()
    await spool.bury([(line(name, "a"), name) for name in ("shop", "news", "unknown")])
    await spool.bury([(b'{"torn', "unreadable")])
    await spool.expire_letters(NOW, RETENTION)
    await spool.bury([(line("shop", "b"), "later")])
    await spool.expire_letters(NOW + timedelta(days=6), RETENTION)
    assert causes(tmp_path) == ["shop", "news", "unknown", "unreadable", "later"]
    await spool.expire_letters(NOW + timedelta(days=8), RETENTION)
    assert causes(tmp_path) == ["news", "unknown", "unreadable", "later"]
    await spool.expire_letters(NOW + timedelta(days=31), RETENTION)
    assert causes(tmp_path) == ["unknown"]
    await spool.expire_letters(NOW + timedelta(days=31), {})
    assert causes(tmp_path) == ["unknown"]
    await spool.expire_letters(NOW + timedelta(days=62), {"unknown": 1.0})
    assert sorted(path.name for path in only_slot(tmp_path)) == ["lock"]
    await spool.close()


async def test_dead_letters_in_a_slot_that_nobody_holds_go_too(tmp_path: Path) -> None:
    first, second = (Spool(tmp_path, limit_bytes=1024) for _ in range(2))
    await first.open()
    await second.open()
    await first.bury([(line("shop", "a"), "first")])
    await second.bury([(line("shop", "b"), "second")])
    for spool in (first, second):
        await spool.expire_letters(NOW, RETENTION)
    # What a holder that lives has is his to drop.
    await first.expire_letters(NOW + timedelta(days=8), RETENTION)
    assert causes(tmp_path) == ["second"]
    await second.close()
    await first.expire_letters(NOW + timedelta(days=8), RETENTION)
    assert causes(tmp_path) == []
    await first.close()


async def test_a_letter_that_a_crash_cut_off_is_one_of_its_own(tmp_path: Path) -> None:
    (tmp_path / "0").mkdir()
    (tmp_path / "0" / DEAD_LETTERS_FILE).write_bytes(b'{"line":"mi')
    spool = Spool(tmp_path, limit_bytes=1024)
    await spool.open()
    await spool.expire_letters(NOW, RETENTION)
    await spool.bury([(line("shop", "a"), "whole")])
    assert causes(tmp_path) == ["unreadable", "whole"]
    await spool.close()


async def test_a_running_router_drops_old_dead_letters(
    open_router: OpenRouter, publisher: Publisher, queue_url: str, common: CommonSettings
) -> None:
    for spool in ("spool", "audits"):
        file = common.home / spool / "3" / DEAD_LETTERS_FILE
        file.parent.mkdir(parents=True)
        old = {
            "line": line("shop", "a").decode(),
            "cause": "old",
            "at": "2001-01-01T00:00:00+00:00",
        }
        file.write_bytes(orjson.dumps(old, option=orjson.OPT_APPEND_NEWLINE))
    await publisher.put_project()
    async with open_router(queue_url):

        async def are_gone() -> bool:
            return causes(common.home / "spool") == causes(common.home / "audits") == []

        await wait_until(are_gone)
