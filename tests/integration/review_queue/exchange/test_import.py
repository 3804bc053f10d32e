"""What an import takes, what it refuses, and what it lets be."""

import asyncio
import contextlib
from collections.abc import AsyncIterator

import httpx
import orjson
import pytest

from services.review_queue.settings import ReviewQueueSettings
from shared.auth import Keys
from shared.contracts.base import task_id_for
from shared.settings import CommonSettings
from tests.harness import wait_until
from tests.harness.clock import Clock
from tests.harness.desk import Desk, Json, body_of, entry, open_desk, problem_of
from tests.integration.review_queue.exchange.files import lines, records_of, send, take_in

pytestmark = pytest.mark.any_database


@pytest.fixture(autouse=True)
async def project(desk: Desk) -> None:
    await desk.put_project()


def answer(reviewer: str = "anna", label: str = "positive", **parts: object) -> Json:
    return {"reviewer": reviewer, "label": label, **parts}


def skip(reviewer: str = "anna") -> Json:
    return {"reviewer": reviewer, "skipped": True}


async def only_record(desk: Desk) -> Json:
    (record,) = await records_of(desk)
    return record


async def test_rows_become_tasks_that_people_answer(desk: Desk) -> None:
    report = await take_in(desk, lines(entry("a"), entry("b", lane="audit")), lane="pool")
    assert (report["created"], report["rejected"]) == (2, [])
    record = next(one for one in await records_of(desk) if one["item_id"] == "a")
    assert (record["lane"], record["state"]) == ("pool", "open")
    leases = await desk.lease("r1", count=9)
    assert {one["task"]["item_id"] for one in leases} == {"a", "b"}


async def test_answers_of_elsewhere_reach_the_feed(desk: Desk) -> None:
    verdicts = [answer(active_seconds=2.5, comment="sure", given_at="2026-11-01T00:00:00Z")]
    await take_in(desk, lines(entry("a", lane="optional", verdicts=verdicts)))
    (outcome,) = (await desk.outcomes())["outcomes"]
    assert (outcome["label"], outcome["source"], outcome["verdicts"]) == ("positive", "human", 1)
    assert (outcome["revision"], outcome["blind"]) == (1, False)
    assert outcome["resolved_at"] == "2026-11-01T00:00:00.000Z"
    assert await desk.kinds(outcome["task_id"]) == ["created", "verdict", "resolved"]
    assert await desk.lease("r1") == []


async def test_a_label_without_verdicts_resolves_a_new_task(desk: Desk) -> None:
    await take_in(desk, lines(entry("a", label="negative")))
    record = await only_record(desk)
    assert (record["state"], record["label"], record["verdicts"]) == ("resolved", "negative", [])


async def test_bad_rows_are_named_and_spoil_no_other(desk: Desk) -> None:
    rows = [
        b'{"item_id": "a", "data": {"text": "fine"}}',
        b"{",
        b"",
        orjson.dumps(entry("b", data={"text": 5})),
        orjson.dumps(entry("c", label="neither")),
        orjson.dumps(entry("d", state="open", label="positive")),
        orjson.dumps(entry("e", verdicts=[answer(label="neither")])),
        orjson.dumps(entry("f", verdicts=[{"reviewer": "r"}])),
        orjson.dumps(entry("g", metadata={"place": "x"})),
        orjson.dumps(entry("h", due_at="0001-01-01T00:00:00+14:00")),
        orjson.dumps(entry("i", surprise=1)),
        orjson.dumps(entry("a", data={"text": "another"})),
        orjson.dumps(entry("j")),
    ]
    report = await take_in(desk, b"\n".join(rows))
    assert (report["rows"], report["created"], report["rejected_count"]) == (12, 2, 10)
    assert [one["line"] for one in report["rejected"]] == [2, *range(4, 13)]
    details = {one["line"]: one["detail"] for one in report["rejected"]}
    assert details[2] == "is not JSON"
    assert details[4] == "/data/text: must be a string"
    assert details[5] == "/label: is not a label of this project"
    assert details[7] == "/verdicts/0/label: is not a label of this project"
    assert details[11].startswith("/surprise: ")
    assert "twice" in details[12]
    assert {one["item_id"] for one in await records_of(desk)} == {"a", "j"}


async def test_only_the_first_thousand_bad_rows_are_shown(desk: Desk) -> None:
    report = await take_in(desk, b"{}\n" * 1200 + lines(entry("a")))
    assert (report["rejected_count"], len(report["rejected"])) == (1200, 1000)
    assert report["created"] == 1


async def test_the_same_import_again_changes_nothing(desk: Desk) -> None:
    content = lines(
        entry("a", lane="relabel", verdicts=[answer()]),
        entry("b", verdicts=[skip()]),
        entry("c", label="negative"),
        entry("d"),
    )
    await take_in(desk, content)
    before, feed = await records_of(desk), await desk.outcomes()
    report = await take_in(desk, content)
    assert (report["created"], report["existing"], report["answers"]) == (0, 4, 0)
    assert await records_of(desk) == before
    assert (await desk.outcomes())["outcomes"] == feed["outcomes"]


async def test_a_reopened_task_is_not_answered_again_by_the_same_import(desk: Desk) -> None:
    content = lines(entry("a", verdicts=[answer()]))
    await take_in(desk, content)
    task_id = task_id_for(desk.project, "a")
    body_of(await desk.operator.post(desk.path(f"tasks/{task_id}/reopen")))
    assert (await take_in(desk, content))["answers"] == 0
    assert (await only_record(desk))["state"] == "open"


async def test_a_task_that_waits_takes_the_answers_of_others(desk: Desk) -> None:
    await desk.post(entry("a", lane="certification"))
    lease = await desk.lease_one("r1")
    await desk.use("r1", lease["token"], "skip", {})
    report = await take_in(desk, lines(entry("a", verdicts=[skip("r1"), answer()])))
    assert (report["existing"], report["answers"]) == (1, 1)
    record = await only_record(desk)
    assert (record["lane"], record["label"], record["revision"]) == ("certification", "positive", 1)
    assert [one["reviewer"] for one in record["verdicts"]] == ["r1", "anna"]


async def test_a_second_skip_of_two_leaves_nobody_to_answer(desk: Desk) -> None:
    await take_in(desk, lines(entry("a", verdicts=[skip("r1")])))
    await take_in(desk, lines(entry("a", verdicts=[skip("r2")])))
    (outcome,) = (await desk.outcomes())["outcomes"]
    assert (outcome["label"], outcome["verdicts"]) == (None, 2)


async def test_a_held_task_is_let_be_until_its_lease_has_ended(desk: Desk) -> None:
    await desk.post(entry("a"))
    lease = await desk.lease_one("r1")
    content = lines(entry("a", verdicts=[answer()]))
    report = await take_in(desk, content)
    assert report["rejected_count"] == 1
    assert "holds the task" in report["rejected"][0]["detail"]
    desk.clock.advance(61)
    assert (await take_in(desk, content))["answers"] == 1
    assert await desk.kinds(lease["task"]["task_id"]) == [
        *("created", "leased", "expired", "verdict", "resolved"),
    ]


async def test_an_item_twice_in_a_file_is_the_first_one(desk: Desk) -> None:
    rows = [entry("a", verdicts=[answer()]), entry("a", verdicts=[answer("ben", "negative")])]
    report = await take_in(desk, lines(*rows))
    assert (report["created"], report["existing"], report["answers"]) == (1, 1, 1)
    assert (await only_record(desk))["label"] == "positive"


async def test_what_cannot_be_read_at_all_is_refused(desk: Desk) -> None:
    for form, content in [("label-studio", b"{}"), ("parquet", b"PAR1"), ("csv", b"a,b\n1,2\n")]:
        problem_of(await send(desk, content, form), 422, "unprocessable")
    unknown = await desk.operator.post(desk.path("import"), content=b"")
    problem = problem_of(unknown, 422, "unprocessable")
    assert problem["errors"][0]["pointer"] == "/header/content-type"
    problem_of(await send(desk, b"", project="none"), 404, "not-found")
    reviewer = desk.reviewer("r1")
    problem_of(await reviewer.post(desk.path("import")), 403, "forbidden")
    problem_of(await reviewer.get(desk.path("export")), 403, "forbidden")


async def test_the_format_may_be_said_in_the_query(desk: Desk) -> None:
    csv = b"item_id,data.text\na,fine\n"
    response = await desk.operator.post(desk.path("import"), params={"format": "csv"}, content=csv)
    assert body_of(response)["created"] == 1


async def test_a_file_that_breaks_off_keeps_what_came_before(desk: Desk) -> None:
    tasks = [{"id": i, "data": {"text": "fine"}} for i in range(3)]
    report = await take_in(desk, orjson.dumps(tasks)[:-9], "label-studio")
    assert (report["created"], report["complete"], report["rejected_count"]) == (2, False, 1)
    assert report["rejected"][0]["line"] == 3


async def test_a_csv_whose_quote_is_not_closed_says_that_it_is_not_complete(desk: Desk) -> None:
    rows = b"".join(b"%d,fine\n" % number for number in range(300))
    report = await take_in(desk, b"item_id,data.text\n" + rows + b'x,"oh\ny,lost\n', "csv")
    assert (report["created"], report["complete"], report["rejected_count"]) == (300, False, 1)
    assert "From line 302 on" in report["rejected"][0]["detail"]


async def test_a_csv_that_is_not_utf_8_is_refused_with_a_word(desk: Desk) -> None:
    header = "item_id,data.text,Prüfer\n"
    for encoding, word in (("latin-1", "not UTF-8"), ("utf-16", "UTF-16")):
        problem = problem_of(await send(desk, header.encode(encoding), "csv"), 422, "unprocessable")
        assert word in problem["errors"][0]["detail"]


@pytest.mark.thorough
async def test_an_import_that_is_cut_off_is_whole_when_it_is_sent_again(desk: Desk) -> None:
    content = [lines(entry(f"item {i}", verdicts=[answer()])) for i in range(1000)]
    enough = asyncio.Event()

    async def some() -> AsyncIterator[bytes]:
        for line in content[:700]:
            yield line
        await enough.wait()
        raise ConnectionAbortedError

    async def cut() -> None:
        with contextlib.suppress(ConnectionAbortedError, httpx.TransportError):
            await send(desk, some())

    async def arrived() -> bool:
        return len(await records_of(desk)) >= 250

    sending = asyncio.create_task(cut())
    await wait_until(arrived)
    enough.set()
    await sending
    kept = await records_of(desk)
    # No task came without its answer.
    assert {one["state"] for one in kept} == {"resolved"}
    report = await take_in(desk, b"".join(content))
    assert report["created"] + report["existing"] == 1000
    assert report["existing"] >= len(kept)
    assert len((await desk.outcomes())["outcomes"]) == 1000


@pytest.mark.own_desk
async def test_a_body_past_the_limit_is_refused_however_it_comes(
    common: CommonSettings, settings: ReviewQueueSettings, keys: Keys, clock: Clock
) -> None:
    small = settings.model_copy(update={"import_limit_bytes": 2048})
    content = lines(*(entry(f"item {i}") for i in range(100)))

    async def piecewise() -> AsyncIterator[bytes]:
        yield content

    async with open_desk(common, small, keys, clock) as desk:
        await desk.put_project("small")
        for body in (content, piecewise()):
            refusal = await send(desk, body, project="small")
            problem = problem_of(refusal, 413, "body-too-large")
            assert problem["limit_bytes"] == 2048
        assert (await take_in(desk, content[:100], project="small"))["created"] == 1


@pytest.mark.sql
async def test_two_imports_of_the_same_at_once_are_one(desk: Desk) -> None:
    content = lines(*(entry(f"item {i}", verdicts=[answer()]) for i in range(300)))
    first, second = await asyncio.gather(take_in(desk, content), take_in(desk, content))
    assert first["created"] + second["created"] == 300
    assert first["answers"] + second["answers"] == 300
    assert len((await desk.outcomes())["outcomes"]) == 300
