"""Where a request ends: offers to upgrade, heads too large, and what is no HTTP at all."""

import orjson
import pytest

from shared.auth import Keys
from shared.http.connections import ConnectionLimits
from tests.harness import serve
from tests.integration.shared.sockets import Raw, Seen, counting_app, head, raw

LIMIT = ConnectionLimits().header_bytes
# What Java's own client sends with every request, unless it is told not to.
OFFER = {
    "Connection": "Upgrade, HTTP2-Settings",
    "Upgrade": "h2c",
    "HTTP2-Settings": "AAMAAABkAARAAAAAAAIAAAAA",
}


def framed(body: bytes, *, chunked: bool) -> tuple[dict[str, str], bytes]:
    """Return the headers of a body, and the body as it is sent."""
    if chunked:
        return {"Transfer-Encoding": "chunked"}, b"%x\r\n%b\r\n0\r\n\r\n" % (len(body), body)
    return {"Content-Length": str(len(body))}, body


async def statuses(connection: Raw, count: int) -> list[int]:
    """Return the statuses of the next answers."""
    return [(await connection.answer())[0] for _ in range(count)]


async def is_refused(connection: Raw, kind: str) -> None:
    """Read a refusal of the connection itself, and nothing behind it."""
    _, headers, body = await connection.answer()
    assert headers["content-type"] == "application/problem+json"
    assert headers["connection"] == "close"
    assert orjson.loads(body)["type"] == f"urn:surehand:problem:{kind}"
    assert await connection.rest() == b""


@pytest.mark.parametrize("chunked", [False, True])
@pytest.mark.parametrize("pieces", ["one", "many"])
async def test_a_body_behind_an_offer_to_upgrade_is_a_body(
    keys: Keys, seen: Seen, chunked: bool, pieces: str
) -> None:
    body = head(keys, "/size", Content_Length="0")
    headers, sent = framed(body, chunked=chunked)
    request = head(keys, "/size", **OFFER, **headers) + sent
    async with serve(counting_app(keys, seen)) as url, raw(url) as connection:
        step = len(request) if pieces == "one" else 7
        for start in range(0, len(request), step):
            await connection.send(request[start : start + step])
        assert (await connection.answer())[2] == str(len(body)).encode()
        await connection.send(head(keys, "/size", Content_Length="2") + b"{}")
        assert (await connection.answer())[2] == b"2"
    assert seen.bodies == [len(body), 2]


@pytest.mark.parametrize("chunked", [False, True])
async def test_a_body_that_comes_after_the_head_with_the_offer_is_its_body(
    keys: Keys, seen: Seen, chunked: bool
) -> None:
    body = head(keys, "/size", Content_Length="0")
    headers, sent = framed(body, chunked=chunked)
    async with serve(counting_app(keys, seen)) as url, raw(url) as connection:
        await connection.send(head(keys, "/late", **OFFER, **headers))
        await seen.begun.wait()
        await connection.send(sent)
        seen.go_on.set()
        assert (await connection.answer())[2] == str(len(body)).encode()
        await connection.send(head(keys, "/size", Content_Length="2") + b"{}")
        assert (await connection.answer())[2] == b"2"
    assert seen.bodies == [2]


async def test_pipelined_offers_to_upgrade_are_all_answered(keys: Keys, seen: Seen) -> None:
    offers = b"".join(
        head(keys, "/size", **OFFER, Content_Length=str(size)) + size * b"x" for size in (3, 0)
    )
    socket = {"Connection": "Upgrade", "Upgrade": "websocket"}
    without = head(keys, "/healthz", "GET", **socket) + head(keys, "/size", Content_Length="1")
    async with serve(counting_app(keys, seen)) as url, raw(url) as connection:
        await connection.send(offers + without + b"x")
        assert await statuses(connection, 4) == [200] * 4
    assert seen.bodies == [3, 0, 1]


FAULTS = {
    "unknown method": b"FOO /size HTTP/1.1\r\nHost: x\r\n\r\n",
    "small letters": b"post /size HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n{}",
    "no HTTP": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
    "no target of ours": b"CONNECT /size HTTP/1.1\r\nHost: x\r\n\r\n",
    "not ASCII": "POST /größe HTTP/1.1\r\nHost: x\r\n\r\n".encode(),
    "NUL": b"POST /size HTTP/1.1\r\nHost: x\r\nA: a\0b\r\n\r\n",
    "two lengths": b"POST /size HTTP/1.1\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\n{}",
    "two framings": b"POST / HTTP/1.1\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n",
}


@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS)
async def test_what_breaks_the_rules_of_http_is_a_problem(
    keys: Keys, seen: Seen, fault: bytes
) -> None:
    after = head(keys, "/size", Content_Length="0")
    async with serve(counting_app(keys, seen)) as url, raw(url) as connection:
        await connection.send(fault + after)
        await is_refused(connection, "malformed-request")
    assert seen.bodies == []


async def test_a_chunk_without_a_size_is_a_problem_and_no_body(keys: Keys, seen: Seen) -> None:
    async with serve(counting_app(keys, seen)) as url, raw(url) as connection:
        await connection.send(head(keys, "/size", Transfer_Encoding="chunked") + b"zz\r\n{}\r\n")
        await is_refused(connection, "malformed-request")
    assert seen.bodies == []


@pytest.mark.parametrize("part", ["head", "body"])
async def test_what_came_before_a_refusal_is_answered_first(
    keys: Keys, seen: Seen, part: str
) -> None:
    broken = {
        "head": FAULTS["unknown method"],
        "body": head(keys, "/size", Transfer_Encoding="chunked") + b"zz\r\n",
    }
    async with serve(counting_app(keys, seen)) as url, raw(url) as connection:
        await connection.send(head(keys, "/late", Content_Length="2") + b"{}" + broken[part])
        await seen.begun.wait()
        await connection.send(b"more of it")
        seen.go_on.set()
        assert (await connection.answer())[2] == b"2"
        await is_refused(connection, "malformed-request")
    assert seen.bodies == []


def sized(keys: Keys, size: int) -> bytes:
    """Return a request whose head is of `size` bytes, and whose body is of two."""
    missing = size - len(head(keys, "/size", Content_Length="2", A="", B=""))
    half = missing // 2
    request = head(keys, "/size", Content_Length="2", A="x" * half, B="x" * (missing - half))
    assert len(request) == size
    return request + b"{}"


@pytest.mark.parametrize("excess", [0, 1, 100, 70_000])
@pytest.mark.parametrize("step", [1_000_000, 7000])
@pytest.mark.parametrize("around", [1, 40_000])
async def test_a_head_may_have_as_many_bytes_as_is_said_and_not_one_more(
    keys: Keys, seen: Seen, excess: int, step: int, around: int
) -> None:
    # Between small requests, or large ones, in the same packets.
    other = head(keys, "/size", Content_Length=str(around)) + around * b"x"
    request = other + sized(keys, LIMIT + excess) + other
    async with serve(counting_app(keys, seen)) as url, raw(url) as connection:
        for start in range(0, len(request), step):
            await connection.send(request[start : start + step])
        assert await statuses(connection, 1) == [200]
        if excess:
            await is_refused(connection, "headers-too-large")
        else:
            assert await statuses(connection, 2) == [200, 200]
    assert seen.bodies == ([around] if excess else [around, 2, around])


@pytest.mark.parametrize("step", [1_000_000, 7000])
async def test_each_request_of_a_connection_is_measured_anew(
    keys: Keys, seen: Seen, step: int
) -> None:
    async with serve(counting_app(keys, seen)) as url, raw(url) as connection:
        for size in (LIMIT, LIMIT, LIMIT + 1):
            request = sized(keys, size)
            for start in range(0, len(request), step):
                await connection.send(request[start : start + step])
            if size == LIMIT:
                assert (await connection.answer())[2] == b"2"
        await is_refused(connection, "headers-too-large")
    assert seen.bodies == [2, 2]


async def test_a_first_request_too_large_is_not_run(keys: Keys, seen: Seen) -> None:
    async with serve(counting_app(keys, seen)) as url, raw(url) as connection:
        await connection.send(sized(keys, 100_000))
        await is_refused(connection, "headers-too-large")
    assert seen.bodies == []
