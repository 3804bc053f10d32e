"""The pool over HTTP: imports line by line, random batches."""

from typing import Any

import pytest

from shared.auth import Keys
from shared.settings import CommonSettings
from tests.harness import wait_until
from tests.harness.served_trainer import NDJSON, ROOT, serve_trainer
from tests.harness.trainer_and_queue import review, truth


@pytest.mark.any_database
async def test_import_lists_bad_lines_and_keeps_the_good_ones(
    common: CommonSettings, keys: Keys, database_url: str
) -> None:
    async with serve_trainer(common, keys, database_url) as trainer:
        answer = await trainer.import_lines(
            {"item_id": "a", "data": review(1), "metadata": {"channel": "web"}},
            b"not json",
            b"",
            b'{"item_id": "n", "data": {"text": NaN}}',
            {"item_id": "b", "data": {"text": 3}},
            {"item_id": "c", "data": {}},
            {"item_id": "d", "data": {"text": "x", "more": 1}},
            {"item_id": "e", "data": {"text": "x" * 20_001}},
            {"item_id": "f\u0007", "data": {"text": "x"}},
            {"data": review(2), "metadata": {"unknown": "x"}},
            [1],
            {"data": review(3)},
        )
        assert (answer["imported"], answer["duplicates"]) == (2, 0)
        assert [entry["line"] for entry in answer["rejected"]] == [2, 4, 5, 6, 7, 8, 9, 10, 11]
        details = " | ".join(entry["detail"] for entry in answer["rejected"])
        for part in ("is not JSON", "/data/text", "is missing", "at most 20000", "metadata key"):
            assert part in details


async def test_repeated_import_changes_nothing(
    common: CommonSettings, keys: Keys, database_url: str
) -> None:
    async with serve_trainer(common, keys, database_url) as trainer:
        lines = [{"item_id": f"i{n}", "data": review(n)} for n in range(1_200)]
        assert (await trainer.import_lines(*lines))["imported"] == 1_200
        again = await trainer.import_lines(*lines)
        assert (again["imported"], again["duplicates"], again["rejected_count"]) == (0, 1_200, 0)
        assert len(again["duplicates_shown"]) == 1_000
        twins = await trainer.import_lines(
            {"item_id": "twin", "data": {"text": review(7)["text"].upper() + " "}},
            {"item_id": "i3", "data": review(4_000)},
            {"item_id": "new", "data": review(5_000)},
            {"item_id": "new", "data": review(5_000)},
        )
        assert (twins["imported"], twins["duplicates"]) == (1, 2)
        assert twins["duplicates_shown"] == [
            {"line": 1, "item_id": "twin", "same_as": "i7"},
            {"line": 4, "item_id": "new", "same_as": "new"},
        ]
        assert [entry["line"] for entry in twins["rejected"]] == [2]
        counts = (await trainer.operator.get(f"{ROOT}/pool")).json()
        assert (counts["waiting"], counts["total"]) == (1_201, 1_201)


@pytest.mark.any_database
async def test_csv_with_quotes_numbers_and_metadata(
    common: CommonSettings, keys: Keys, database_url: str
) -> None:
    fields = {"text": {"type": "text"}, "stars": {"type": "number"}}
    async with serve_trainer(common, keys, database_url, fields=fields) as trainer:
        text = (
            "\ufeffitem_id,text,stars,channel\r\n"
            'a,"two\nlines, ""quoted""",4.5,web\r\n'
            "b,plain,not a number,\r\n"
            ",without an id,3,\r\n"
            "c,short\r\n"
        )
        response = await trainer.import_csv(text)
        answer = response.json()
        assert answer["imported"] == 2
        assert [entry["line"] for entry in answer["rejected"]] == [4, 6]
        assert "/data/stars" in answer["rejected"][0]["detail"]
        await trainer.operator.post(f"{ROOT}/pool/batches", json={"strategy": "random", "size": 2})
        await wait_until(lambda: len(trainer.queue.tasks) == 2)
        (kept,) = [task for task in trainer.queue.tasks.values() if task["item_id"] == "a"]
        assert kept["data"] == {"text": 'two\nlines, "quoted"', "stars": 4.5}
        assert kept["metadata"] == {"channel": "web"}


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        (b"item_id,words\r\na,b\r\n", "/header/words"),
        (b"item_id\r\na\r\n", "/header/text"),
        (b"text,text\r\na,b\r\n", "/header/text"),
        (b"text\r\n\xff\xfe\r\n", ""),
        (b"", "/header/text"),
    ],
)
async def test_csv_that_does_not_fit_is_refused_whole(
    common: CommonSettings, keys: Keys, sqlite_url: str, body: bytes, pointer: str
) -> None:
    async with serve_trainer(common, keys, sqlite_url) as trainer:
        response = await trainer.import_csv(body)
        assert response.status_code == 422
        assert pointer in [fault["pointer"] for fault in response.json()["errors"]]


async def test_import_of_another_type_or_size_is_refused(
    common: CommonSettings, keys: Keys, sqlite_url: str
) -> None:
    async with serve_trainer(common, keys, sqlite_url) as trainer:
        response = await trainer.operator.post(f"{ROOT}/pool", json=[])
        assert response.status_code == 422
        response = await trainer.operator.post(
            f"{ROOT}/pool", content=b"x" * (9 * 1024 * 1024), headers=NDJSON
        )
        assert response.status_code == 413


async def test_batches_walk_a_random_order_without_repeating(
    common: CommonSettings, keys: Keys, database_url: str
) -> None:
    async with serve_trainer(common, keys, database_url) as trainer:
        await trainer.import_lines(*({"item_id": f"i{n:03}", "data": review(n)} for n in range(60)))
        wanted = {"strategy": "random", "size": 25}
        sizes = [
            (await trainer.operator.post(f"{ROOT}/pool/batches", json=wanted)).json()["tasks"]
            for _ in range(4)
        ]
        assert sizes == [25, 25, 10, 0]
        await wait_until(lambda: len(trainer.queue.tasks) == 60)
        order = list(trainer.queue.tasks)
        assert order != sorted(order)
        assert {task["lane"] for task in trainer.queue.tasks.values()} == {"pool"}


@pytest.mark.any_database
async def test_batch_survives_the_absence_of_the_queue(
    common: CommonSettings, keys: Keys, database_url: str
) -> None:
    async with serve_trainer(common, keys, database_url) as trainer:
        await trainer.import_lines(*({"item_id": f"i{n}", "data": review(n)} for n in range(30)))
        trainer.queue.is_away = True
        response = await trainer.operator.post(
            f"{ROOT}/pool/batches", json={"strategy": "random", "size": 20}
        )
        assert response.json()["tasks"] == 20
        assert not trainer.queue.tasks

        async def degraded() -> list[str]:
            ready = await trainer.operator.get("/readyz")
            assert ready.status_code == 200
            return [one["part"] for one in ready.json()["degraded"]]

        async def is_degraded() -> bool:
            return "review_queue" in await degraded()

        await wait_until(is_degraded)
        trainer.queue.is_away = False
        await wait_until(lambda: len(trainer.queue.tasks) == 20)

        async def is_well() -> bool:
            return await degraded() == []

        await wait_until(is_well)


async def test_refused_tasks_are_counted(
    common: CommonSettings, keys: Keys, sqlite_url: str
) -> None:
    async with serve_trainer(common, keys, sqlite_url) as trainer:
        await trainer.import_lines(*({"item_id": f"i{n}", "data": review(n)} for n in range(10)))
        trainer.queue.refuses = {"i3", "i4"}
        await trainer.operator.post(f"{ROOT}/pool/batches", json={"strategy": "random", "size": 10})
        await wait_until(lambda: len(trainer.queue.tasks) == 8)
        trainer.queue.answer(truth)

        async def counts() -> Any:
            found = (await trainer.operator.get(f"{ROOT}/pool")).json()
            return found if found["labelled"] == 8 else None

        found = await wait_until(counts)
        assert (found["asked"], found["refused"], found["waiting"]) == (8, 2, 0)


async def test_items_are_listed_by_state_and_removed_while_they_wait(
    common: CommonSettings, keys: Keys, database_url: str
) -> None:
    async with serve_trainer(common, keys, database_url) as trainer:
        await trainer.import_lines(*({"item_id": f"i{n}", "data": review(n)} for n in range(12)))
        batch = {"strategy": "random", "size": 4}
        await trainer.operator.post(f"{ROOT}/pool/batches", json=batch)
        listed: list[dict[str, Any]] = []
        for state in ("waiting", "reserved", "asked"):
            cursor: str | None = ""
            while cursor is not None:
                params = {"state": state, "limit": 3} | ({"after": cursor} if cursor else {})
                page = (await trainer.operator.get(f"{ROOT}/pool/items", params=params)).json()
                listed += page["items"]
                cursor = page["cursor"]
        assert sorted(one["item_id"] for one in listed) == sorted(f"i{n}" for n in range(12))
        asked = [one["item_id"] for one in listed if one["state"] == "asked"]
        free = [one["item_id"] for one in listed if one["state"] != "asked"]
        assert {one["arm"] for one in listed if one["state"] == "asked"} == {"random"}
        for status in ("removed", "unknown"):
            body = {"item_ids": [free[0], asked[0], "nobody"]}
            answer = await trainer.operator.post(f"{ROOT}/pool/removals", json=body)
            statuses = [one["status"] for one in answer.json()["items"]]
            assert statuses == [status, "asked", "unknown"]
        counts = (await trainer.operator.get(f"{ROOT}/pool")).json()
        assert counts["total"] == 11
