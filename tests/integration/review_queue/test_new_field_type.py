"""A field type that is one module and one line is stated, checked, shown, and taken in and out."""

from collections.abc import AsyncIterator

import pytest

from tests.flags import flags
from tests.harness.cases import further
from tests.harness.consoles import visiting
from tests.harness.desk import Desk, body_of, entry
from tests.integration.review_queue.exchange.files import (
    MEDIA_TYPES,
    export,
    records_of,
    take_in,
)

pytestmark = [pytest.mark.own_desk, pytest.mark.any_database]

FIELDS = {"gift": {"type": "flag", "yes": "a gift"}}


@pytest.fixture(autouse=True)
async def project(desk: Desk) -> AsyncIterator[None]:
    with flags():
        await desk.put_project(fields=FIELDS)
        yield


async def test_a_project_states_it_with_its_own_members(desk: Desk) -> None:
    stated = body_of(await desk.operator.get("/v1/projects/shop"))["fields"]["gift"]
    assert stated.items() >= FIELDS["gift"].items()
    for wrong in ({"type": "flag", "yes": 1}, {"type": "flag", "no": "x"}):
        response = await desk.operator.put(
            "/v1/projects/other", json={"labels": ["a", "b"], "fields": {"gift": wrong}}
        )
        assert response.status_code == 422
        (fault,) = response.json()["errors"]
        assert fault["pointer"].startswith("/fields/gift/")


async def test_tasks_are_checked_and_shown(desk: Desk) -> None:
    good, bad = await desk.post(entry("a", data={"gift": True}), entry("b", data={"gift": "yes"}))
    assert (good["status"], bad["status"]) == ("created", "rejected")
    assert "must be true or false" in bad["detail"]
    async with visiting(desk) as anna:
        await anna.sign_in(desk.keys.issue("reviewer", "anna"))
        await anna.post("/review/shop/instructions", {"revision": 1})
        page = await anna.post("/review/shop/tasks", {"count": 1})
        assert page.status_code == 200, page.text
        assert '<section class="field flag">' in page.text
        assert '<p class="value" dir="auto">a gift</p>' in page.text


@pytest.mark.parametrize("form", ["jsonl", *further(*sorted({*MEDIA_TYPES} - {"jsonl"}))])
async def test_records_come_back_in_every_format(desk: Desk, form: str) -> None:
    await desk.post(entry("a", data={"gift": True}), entry("b", data={"gift": False}))
    before = await records_of(desk)
    await desk.put_project("other", fields=FIELDS)
    file = await export(desk, form)
    if form == "csv":
        assert b"data.gift" in file.splitlines()[0]
        assert file.splitlines()[1].startswith(b"a,true,")
    assert (await take_in(desk, file, form, "other"))["created"] == 2
    assert await records_of(desk, "other") == before
