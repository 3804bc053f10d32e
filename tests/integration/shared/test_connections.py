"""Connections over raw sockets: slow, silent, greedy and broken clients are cut off."""

import asyncio
import contextlib
import socket

import orjson
import pytest

from shared.auth import Keys
from shared.http.connections import ConnectionLimits
from shared.http.server import bound_socket, configured
from tests.harness import client, serve, wait_until
from tests.integration.shared.sockets import MIB, Seen, counting_app, head, raw

PATIENT = ConnectionLimits()
HASTY = ConnectionLimits(header_seconds=0.5, body_seconds=0.5, answer_seconds=0.5)


async def test_a_silent_connection_is_closed(keys: Keys, seen: Seen) -> None:
    async with serve(counting_app(keys, seen), limits=HASTY) as url, raw(url) as connection:
        assert await connection.rest() == b""


@pytest.mark.parametrize("begun", [b"P", b"POST /size HTTP/1.1\r\nHost: x\r\nA: "])
async def test_headers_that_do_not_end_in_time_are_a_408(
    keys: Keys, seen: Seen, begun: bytes
) -> None:
    async with serve(counting_app(keys, seen), limits=HASTY) as url, raw(url) as connection:
        await connection.send(begun)
        status, headers, body = await connection.answer()
        assert status == 408
        assert headers["content-type"] == "application/problem+json"
        assert headers["connection"] == "close"
        assert orjson.loads(body)["type"] == "urn:surehand:problem:request-timeout"
        assert await connection.rest() == b""


async def test_trickled_headers_get_no_more_time(keys: Keys, seen: Seen) -> None:
    async with serve(counting_app(keys, seen), limits=HASTY) as url, raw(url) as connection:
        await connection.send(b"POST /size HTTP/1.1\r\n")
        trickling = asyncio.create_task(connection.trickle(b"x: y\r\n"))
        assert (await connection.answer())[0] == 408
        await trickling


async def test_a_second_request_gets_its_own_time(keys: Keys, seen: Seen) -> None:
    whole = head(keys, "/size", Content_Length="2") + b"{}"
    async with serve(counting_app(keys, seen), limits=HASTY) as url, raw(url) as connection:
        await connection.send(whole)
        assert (await connection.answer())[0] == 200
        await asyncio.sleep(1.2 * HASTY.header_seconds)
        await connection.send(whole[:40])
        await connection.send(whole[40:])
        assert (await connection.answer())[2] == b"2"
        await connection.send(whole[:40])
        assert (await connection.answer())[0] == 408


@pytest.mark.parametrize(
    "begun",
    [({"Content_Length": "1000"}, b"xxxx"), ({"Transfer_Encoding": "chunked"}, b"4\r\nxxxx\r\n")],
)
async def test_a_body_that_does_not_end_in_time_is_a_408_and_never_seen(
    keys: Keys, seen: Seen, begun: tuple[dict[str, str], bytes]
) -> None:
    headers, part = begun
    async with serve(counting_app(keys, seen), limits=HASTY) as url:
        async with raw(url) as connection:
            await connection.send(head(keys, "/size", **headers) + part)
            status, _, body = await connection.answer()
            assert status == 408
            assert orjson.loads(body)["status"] == 408
            assert await connection.rest() == b""
        async with client(url, keys.issue("caller", "c")) as http:
            assert (await http.post("/size", content=b"{}")).text == "2"
            counted = (await http.get("/metrics")).text
    assert seen.bodies == [2]
    assert 'surehand_http_cut_connections_total{cause="request-timeout"}' in counted


async def test_a_client_is_not_blamed_for_a_service_that_reads_late(keys: Keys, seen: Seen) -> None:
    size = 2 * MIB
    async with serve(counting_app(keys, seen), limits=HASTY) as url, raw(url) as connection:
        await connection.send(head(keys, "/late", Content_Length=str(size)))
        sending = asyncio.create_task(connection.send(b"x" * size))
        await asyncio.sleep(2 * HASTY.body_seconds)
        seen.go_on.set()
        await sending
        assert (await connection.answer())[2] == str(size).encode()


async def test_a_body_refused_before_it_was_read_does_not_hold_the_connection(
    keys: Keys, seen: Seen
) -> None:
    request = head(keys, "/size", Content_Length="1000").replace(b"Bearer", b"Basic")
    async with serve(counting_app(keys, seen), limits=HASTY) as url, raw(url) as connection:
        await connection.send(request + b"x")
        assert (await connection.answer())[0] == 401
        await connection.trickle(b"x")


@pytest.mark.parametrize("declared", [True, False])
async def test_a_large_body_of_declared_length_has_time_while_it_moves_on(
    keys: Keys, seen: Seen, declared: bool
) -> None:
    pieces, piece = 60, b"x" * 32 * 1024
    chunk = b"%x\r\n%b\r\n" % (len(piece), piece)
    length = {"Content_Length": str(pieces * len(piece))}
    headers = length if declared else {"Transfer_Encoding": "chunked"}
    limits = ConnectionLimits(body_seconds=1.0)
    async with serve(counting_app(keys, seen), limits=limits) as url, raw(url) as connection:
        await connection.send(head(keys, "/size", **headers))
        with contextlib.suppress(ConnectionError):
            for _ in range(pieces):
                await connection.send(piece if declared else chunk)
                await asyncio.sleep(0.03)
        if declared:
            assert (await connection.answer())[0] == 200
            return
        # What is said at the end is lost where it meets bytes that are still being sent.
        with contextlib.suppress(ConnectionError):
            assert (await connection.answer())[0] == 408


@pytest.mark.thorough
@pytest.mark.parametrize("piece", [1000, 1_000_000])
async def test_headers_without_end_are_cut_off(keys: Keys, seen: Seen, piece: int) -> None:
    async with serve(counting_app(keys, seen)) as url, raw(url) as connection:
        await connection.send(b"POST /size HTTP/1.1\r\nHost: x\r\nEndless: ")
        sending = asyncio.create_task(connection.trickle(b"x" * piece, pause=0))
        status, headers, body = await connection.answer()
        assert (status, headers["connection"]) == (431, "close")
        assert orjson.loads(body)["limit_bytes"] == PATIENT.header_bytes
        await sending
        async with client(url, keys.issue("caller", "c")) as http:
            counted = (await http.get("/metrics")).text
    assert 'surehand_http_cut_connections_total{cause="headers-too-large"}' in counted


async def test_headers_of_a_fair_size_pass_in_pieces_of_any_size(keys: Keys, seen: Seen) -> None:
    request = head(keys, "/size", Content_Length="2", Long="x" * 20_000) + b"{}"
    async with serve(counting_app(keys, seen)) as url:
        for piece in (len(request), 7000, 100):
            async with raw(url) as connection:
                for start in range(0, len(request), piece):
                    await connection.send(request[start : start + piece])
                    await asyncio.sleep(0)
                assert (await connection.answer())[2] == b"2"


async def test_pipelined_requests_are_all_answered(keys: Keys, seen: Seen) -> None:
    request = head(keys, "/size", Content_Length="40000") + b"x" * 40_000
    async with serve(counting_app(keys, seen), limits=PATIENT) as url, raw(url) as connection:
        await connection.send(3 * request)
        assert [(await connection.answer())[2] for _ in range(3)] == [b"40000"] * 3


async def test_a_client_that_does_not_read_its_answer_is_cut_off(keys: Keys, seen: Seen) -> None:
    async with serve(counting_app(keys, seen), limits=HASTY) as url, raw(url) as connection:
        connection.writer.transport.pause_reading()  # type: ignore[attr-defined]
        await connection.send(head(keys, "/endless", "GET"))
        await wait_until(seen.cut.is_set)


def test_the_kernel_gives_up_on_clients_that_have_vanished() -> None:
    with bound_socket("127.0.0.1", 0) as listener:
        listener.listen()
        with socket.create_connection(listener.getsockname()):
            accepted, _ = listener.accept()
            with accepted:
                patience = accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT)
    assert patience == 30_000


def test_an_idle_connection_is_left_to_clients_and_load_balancers_to_close(
    keys: Keys, seen: Seen
) -> None:
    longest_of_load_balancers = 60
    config = configured(counting_app(keys, seen), PATIENT, grace_seconds=1)
    assert config.timeout_keep_alive > longest_of_load_balancers


async def test_blank_lines_do_not_hold_a_connection_without_end(keys: Keys, seen: Seen) -> None:
    app = counting_app(keys, seen)
    async with serve(app, idle_seconds=1) as url, raw(url) as connection:
        await connection.send(head(keys, "/size", Content_Length="2") + b"{}")
        assert (await connection.answer())[0] == 200
        await connection.send(b"\r\n")
        assert await connection.rest() == b""


async def test_who_sends_on_after_a_refusal_is_not_reset(keys: Keys, seen: Seen) -> None:
    headers = {"Content_Length": str(8 * MIB), "Connection": "close", "Authorization": "none"}
    async with serve(counting_app(keys, seen)) as url, raw(url) as connection:
        await connection.send(head(keys, "/size", **headers) + b"x")
        assert (await connection.answer())[0] == 401
        for _ in range(4):
            await connection.send(b"x" * MIB)
        assert await connection.rest() == b""


async def test_a_stranger_is_refused_before_his_body_has_come(keys: Keys, seen: Seen) -> None:
    strange = {"Authorization": "none", "Transfer_Encoding": "chunked"}
    async with serve(counting_app(keys, seen)) as url, raw(url) as connection:
        await connection.send(head(keys, "/size", **strange) + b"3\r\nabc\r\n")
        assert (await connection.answer())[0] == 401


async def test_who_asks_before_he_sends_too_much_is_told_at_once(keys: Keys, seen: Seen) -> None:
    asking = {"Content_Length": str(9 * MIB), "Expect": "100-continue"}
    async with serve(counting_app(keys, seen)) as url, raw(url) as connection:
        await connection.send(head(keys, "/size", **asking))
        status, headers, _ = await connection.answer()
        assert (status, headers["connection"]) == (413, "close")
        assert await connection.rest() == b""


async def test_a_request_learns_that_its_client_has_left(keys: Keys, seen: Seen) -> None:
    async with serve(counting_app(keys, seen)) as url:
        async with raw(url) as connection:
            await connection.send(head(keys, "/late", Content_Length="2") + b"{}")
            await seen.begun.wait()
            client = seen.client
            assert client is not None
            assert not client.gone
        await wait_until(lambda: client.gone)
        seen.go_on.set()
