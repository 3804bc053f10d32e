"""What an export gives, page by page."""

import gc
import inspect
import io
import json
from typing import Any

import httpx
import pytest
from pyarrow import parquet

from tests.harness import wait_until
from tests.harness.desk import Desk, body_of, entry, problem_of
from tests.integration.review_queue.exchange.files import (
    MEDIA_TYPES,
    export,
    lines,
    records_of,
    take_in,
)


@pytest.fixture(autouse=True)
async def project(desk: Desk) -> None:
    await desk.put_project()


async def ids(desk: Desk, **query: Any) -> list[str]:
    return [record["item_id"] for record in await records_of(desk, **query)]


async def test_filters_are_those_of_the_list(desk: Desk) -> None:
    await desk.post(entry("a"), entry("b", lane="audit"), entry("c"))
    await desk.answer("r1", "negative")
    (lease,) = await desk.lease("r2")
    desk.clock.advance(5)
    await desk.post(entry("d"))
    listed = desk.path("tasks")
    queries: list[dict[str, Any]] = [
        {},
        {"state": "resolved"},
        {"state": "leased"},
        {"lane": "audit"},
        {"label": "negative"},
        {"reviewer": "r2"},
        {"reviewer": "r1", "state": "resolved"},
        {"older_than_seconds": 3},
    ]
    for query in queries:
        tasks = body_of(await desk.operator.get(listed, params=query))["tasks"]
        assert tasks, query
        assert await ids(desk, **query) == [task["item_id"] for task in tasks]
    assert lease["task"]["item_id"] in await ids(desk, state="leased")


@pytest.mark.any_database
async def test_a_file_has_a_name(desk: Desk) -> None:
    names = {
        form: (await desk.operator.get(desk.path("export"), params={"format": form})).headers[
            "content-disposition"
        ]
        for form in MEDIA_TYPES
    }
    assert names == {
        "jsonl": f'attachment; filename="{desk.project}-tasks.jsonl"',
        "csv": f'attachment; filename="{desk.project}-tasks.csv"',
        "parquet": f'attachment; filename="{desk.project}-tasks.parquet"',
        "label-studio": f'attachment; filename="{desk.project}-tasks.label-studio.json"',
    }


@pytest.mark.any_database
async def test_an_empty_project_is_an_empty_file_that_can_be_read(desk: Desk) -> None:
    assert await export(desk, "jsonl") == b""
    assert json.loads(await export(desk, "label-studio")) == []
    assert (await export(desk, "csv")).startswith(b"item_id,data.text,data,")
    assert parquet.read_table(io.BytesIO(await export(desk, "parquet"))).num_rows == 0
    for form in MEDIA_TYPES:
        assert (await take_in(desk, await export(desk, form), form))["rows"] == 0


@pytest.mark.any_database
async def test_wrong_questions_are_refused(desk: Desk) -> None:
    url = desk.path("export")
    for query in ({"format": "xml"}, {"state": "done"}, {"lane": "x"}, {"label": ""}):
        response = await desk.operator.get(url, params=query)
        problem_of(response, 422, "unprocessable")
    problem_of(await desk.operator.get("/v1/projects/none/export"), 404, "not-found")


async def test_many_pages_and_row_groups_are_one_file_in_order(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("shared.parquet.writing._GROUP_ROWS", 500)
    wanted = [f"item {i}" for i in range(1234)]
    await take_in(desk, lines(*map(entry, wanted)))
    assert sorted(await ids(desk)) == sorted(wanted)
    tasks = parquet.ParquetFile(io.BytesIO(await export(desk, "parquet")))
    assert tasks.metadata.num_row_groups == 2
    assert tasks.read(["item_id"]).column("item_id").to_pylist() == await ids(desk)


@pytest.mark.own_desk
@pytest.mark.thorough
async def test_a_client_that_leaves_ends_the_reading(desk: Desk) -> None:
    pictures = {"text": {"type": "text", "max_length": 1_000_000}}
    await desk.put_project(fields=pictures)
    text = "x" * 500_000
    await take_in(desk, lines(*(entry(f"item {i}", data={"text": text}) for i in range(60))))

    def reading() -> bool:
        found = [one for one in gc.get_objects() if inspect.isasyncgen(one)]
        return any(one.__name__ == "_pages" and one.ag_frame is not None for one in found)

    async with desk.operator.stream("GET", desk.path("export")) as response:
        assert response.status_code == httpx.codes.OK
        async for _ in response.aiter_raw(1000):
            break
        assert reading()
    await wait_until(lambda: not reading())
    assert len(await ids(desk)) == 60
