"""Requests that the front answers, over raw sockets: in pieces, in rows, known and refused ones."""

import asyncio
import contextlib
import gc
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import orjson
import pytest
from fastapi import APIRouter, FastAPI, Response

from shared.auth import Keys
from shared.http.app import build_app
from shared.http.connections import ConnectionLimits
from shared.http.direct import DirectProtocol
from shared.http.front import Answer, Call, Way
from shared.problems import BodyTooLarge, Unavailable
from shared.settings import CommonSettings
from tests.harness import client, serve, wait_until
from tests.integration.shared.sockets import head, raw

LIMIT = 10_000
HASTY = ConnectionLimits(header_seconds=0.5, body_seconds=0.5, answer_seconds=0.5)
_SERIES = (
    'surehand_http_requests_total{method="POST",route="/v1/projects/{project}/echo",service="echo"'
)
JSON = {"Content_Type": "application/json"}


class Desk:
    """What the front's only way does, and what it has seen."""

    def __init__(self) -> None:
        self.bodies: list[tuple[str, bytes]] = []
        self.by_framework = 0
        self.is_full = self.is_broken = False
        self.go_on: Callable[[Call], Awaitable[None]] | None = None
        self.begun = asyncio.Event()

    def admit(self, _: object, word: str) -> None:
        if self.is_full:
            raise Unavailable("full", retry_after_seconds=1)
        if self.is_broken:
            raise RuntimeError("a fault")

    async def answer(self, call: Call) -> Answer:
        self.begun.set()
        if self.go_on is not None:
            await self.go_on(call)
        if call.body == b"too much":
            raise BodyTooLarge(LIMIT)
        if call.body == b"fail":
            raise RuntimeError("a fault")
        self.bodies.append((call.word, call.body))
        return [(b"content-type", b"text/plain")], b"front:" + call.body

    def app(self, keys: Keys) -> FastAPI:
        router = APIRouter()

        @router.post("/v1/projects/{project}/echo")
        async def echo(project: str) -> Response:
            self.by_framework += 1
            return Response("framework")

        @contextlib.asynccontextmanager
        async def lifespan(_: FastAPI) -> AsyncIterator[None]:
            yield

        roles = frozenset({"caller"})
        return build_app(
            CommonSettings(public_keys_dir=keys.public_folder, body_limit_bytes=LIMIT),
            service="echo",
            description="",
            lifespan=lifespan,
            routers=[router],
            missing={},
            ways=(
                Way("/v1/projects/{project}/echo", roles, self.answer, admit=self.admit),  # type: ignore[arg-type]
            ),
        )


def is_of(front: object, one: object) -> bool:
    return isinstance(one, DirectProtocol) and one.front is front


@pytest.fixture
def desk() -> Desk:
    return Desk()


def request(keys: Keys, body: bytes, path: str = "/v1/projects/p/echo", **headers: str) -> bytes:
    return head(keys, path, Content_Length=str(len(body)), **JSON, **headers) + body


async def test_bodies_behind_the_same_head_are_told_apart(keys: Keys, desk: Desk) -> None:
    whole = request(keys, b"12")
    async with serve(desk.app(keys)) as url, raw(url) as connection:
        for body in (b"12", b"34", b"56"):
            await connection.send(whole[:-2] + body)
            status, headers, answer = await connection.answer()
            assert (status, answer) == (200, b"front:" + body)
            assert headers["content-type"] == "text/plain"
            assert headers["x-request-id"]
    assert desk.bodies == [("p", b"12"), ("p", b"34"), ("p", b"56")]
    assert desk.by_framework == 0


@pytest.mark.parametrize("times", [0, 2])
async def test_a_request_may_come_in_pieces(keys: Keys, desk: Desk, times: int) -> None:
    """In any two pieces, on a connection on which its head is new, or known."""
    whole = request(keys, b"1234567")
    async with serve(desk.app(keys)) as url:
        for cut in (1, 20, len(whole) - 8, len(whole) - 7, len(whole) - 1):
            async with raw(url) as connection:
                for _ in range(times):
                    await connection.send(whole)
                    assert (await connection.answer())[2] == b"front:1234567"
                await connection.send(whole[:cut])
                await asyncio.sleep(0.01)
                await connection.send(whole[cut:])
                assert (await connection.answer())[2] == b"front:1234567"
    assert desk.by_framework == 0


@pytest.mark.parametrize("times", [0, 2])
async def test_requests_in_one_piece_are_answered_in_their_order(
    keys: Keys, desk: Desk, times: int
) -> None:
    """The front takes the first; those behind it wait, and are the framework's."""
    whole = request(keys, b"ab")
    async with serve(desk.app(keys)) as url, raw(url) as connection:
        for _ in range(times):
            await connection.send(whole)
            await connection.answer()
        await connection.send(whole * 3)
        answers = [(await connection.answer())[2] for _ in range(3)]
        await connection.send(whole)
        assert (await connection.answer())[2] == b"front:ab"
    assert answers == [b"front:ab", b"framework", b"framework"]


@pytest.mark.parametrize(
    ("headers", "path"),
    [
        ({"Expect": "100-continue"}, "/v1/projects/p/echo"),
        ({"Content_Type": "text/plain"}, "/v1/projects/p/echo"),
        ({}, "/v1/projects/p/echo?a=b"),
        ({}, "/v1/projects/%70/echo"),
    ],
)
async def test_what_no_way_takes_is_the_frameworks(
    keys: Keys, desk: Desk, headers: dict[str, str], path: str
) -> None:
    given = {"Content_Length": "2", **JSON, **headers}
    async with serve(desk.app(keys)) as url, raw(url) as connection:
        for _ in range(2):
            await connection.send(head(keys, path, **given) + b"12")
            status, _, body = await connection.answer()
            assert (status, body) == (200, b"framework")


async def test_a_chunked_body_and_one_over_the_limit_are_the_frameworks(
    keys: Keys, desk: Desk
) -> None:
    chunked = head(keys, "/v1/projects/p/echo", Transfer_Encoding="chunked", **JSON)
    async with serve(desk.app(keys)) as url:
        async with raw(url) as connection:
            await connection.send(chunked + b"2\r\n12\r\n0\r\n\r\n")
            assert (await connection.answer())[2] == b"framework"
        async with raw(url) as connection:
            await connection.send(request(keys, b"x" * (LIMIT + 1)))
            assert (await connection.answer())[0] == 413
        async with raw(url) as connection:
            await connection.send(request(keys, b"x" * LIMIT))
            assert (await connection.answer())[0] == 200
    assert [len(body) for _, body in desk.bodies] == [LIMIT]


async def test_a_close_that_is_asked_for_is_kept(keys: Keys, desk: Desk) -> None:
    async with serve(desk.app(keys)) as url, raw(url) as connection:
        await connection.send(request(keys, b"12", Connection="close"))
        status, headers, _ = await connection.answer()
        assert (status, headers["connection"]) == (200, "close")
        assert await connection.rest() == b""


async def test_refusals_are_problems_and_counted(keys: Keys, desk: Desk) -> None:
    token = keys.issue("caller", "c", projects=["p"])
    async with (
        serve(desk.app(keys)) as url,
        client(url, token) as http,
        client(url, keys.issue("operator", "o")) as operator,
    ):

        async def status_of(body: bytes, project: str = "p", **headers: str) -> int:
            sent = {"Content-Type": "application/json", **headers}
            answer = await http.post(f"/v1/projects/{project}/echo", content=body, headers=sent)
            document = orjson.loads(answer.content)
            assert document["status"] == answer.status_code
            assert answer.headers["content-type"] == "application/problem+json"
            assert answer.headers["x-request-id"] == "mine"
            return answer.status_code

        async def counted() -> Counter[str]:
            lines = (await operator.get("/metrics")).text.splitlines()
            found = [line.rpartition(" ") for line in lines if line.startswith(_SERIES)]
            return Counter({name[-5:-2]: int(float(count)) for name, _, count in found})

        before = await counted()
        for _ in range(2):
            assert await status_of(b"too much", **{"X-Request-Id": "mine"}) == 413
            assert await status_of(b"fail", **{"X-Request-Id": "mine"}) == 500
            assert await status_of(b"12", "other", **{"X-Request-Id": "mine"}) == 403
            assert await status_of(b"1", **{"X-Request-Id": "mine", "Authorization": "no"}) == 401
        desk.is_full = True
        assert await status_of(b"12", **{"X-Request-Id": "mine"}) == 503
        assert await counted() - before == {"413": 2, "500": 2, "403": 2, "401": 2, "503": 1}
    assert desk.bodies == []


async def test_a_stranger_is_refused_before_the_body_comes(keys: Keys, desk: Desk) -> None:
    foreign = Keys(keys.folder.parent / "foreign")
    whole = head(foreign, "/v1/projects/p/echo", Content_Length="5000", **JSON)
    async with serve(desk.app(keys)) as url, raw(url) as connection:
        await connection.send(whole)
        assert (await connection.answer())[0] == 401
        await connection.send(b"x" * 5000 + request(keys, b"12"))
        assert (await connection.answer())[2] == b"front:12"


async def test_what_a_refused_client_still_sends_is_dropped(keys: Keys, desk: Desk) -> None:
    foreign = Keys(keys.folder.parent / "foreign")
    whole = head(foreign, "/v1/projects/p/echo", Content_Length=str(LIMIT), **JSON)
    app = desk.app(keys)
    front = app.front  # type: ignore[attr-defined]
    async with serve(app) as url, raw(url) as connection:
        await connection.send(whole)
        assert (await connection.answer())[0] == 401
        (mine,) = [one for one in gc.get_objects() if is_of(front, one)]
        for _ in range(2):
            await connection.send(b"x" * (LIMIT // 2 - 1))
            # It counts from the second read on.
            await wait_until(lambda: mine._awaited_body)
        await wait_until(lambda: mine._received > 0)
        assert mine.cycle.body == b""


@pytest.mark.parametrize("is_known", [False, True])
async def test_a_fault_before_the_body_is_a_500(keys: Keys, desk: Desk, is_known: bool) -> None:
    async with serve(desk.app(keys)) as url, raw(url) as connection:
        if is_known:
            await connection.send(request(keys, b"12"))
            assert (await connection.answer())[0] == 200
        desk.is_broken = True
        await connection.send(request(keys, b"12"))
        assert (await connection.answer())[0] == 500
        desk.is_broken = False
        await connection.send(request(keys, b"12"))
        assert (await connection.answer())[0] == 200


async def test_blank_lines_before_a_request_are_no_head(keys: Keys, desk: Desk) -> None:
    """Else the next request behind blank lines, whosever, would be taken for its body."""
    whole = request(keys, b"x" * 1_000)
    size = len(whole)
    # The length is that of all behind the first blank lines: the body is incomplete as yet.
    whole = head(keys, "/v1/projects/p/echo", Content_Length=str(size), **JSON)
    other = b"\r\n\r\n" + b"GET /healthz HTTP/1.1\r\nHost: x\r\nA: %b\r\n\r\n"
    app: Any = desk.app(keys)
    async with serve(app) as url:
        async with raw(url) as connection:
            await connection.send(request(keys, b"12"))
            await connection.answer()
            await connection.send(b"\r\n\r\n" + whole + b"x" * (size - len(whole)))
            (mine,) = [one for one in gc.get_objects() if is_of(app.front, one)]
            await wait_until(lambda: mine._awaited_body)
            await connection.send(b"x" * len(whole))
            assert (await connection.answer())[2] == b"front:" + b"x" * size
        async with raw(url) as connection:
            await connection.send(request(keys, b"12"))
            await connection.answer()
            await connection.send(other % (b"y" * (size - len(other) + 6)))
            assert b'"ok"' in (await connection.answer())[2]


async def test_a_known_head_is_no_longer_admitted_once_its_key_is_gone(
    keys: Keys, desk: Desk
) -> None:
    whole = request(keys, b"12")
    app = desk.app(keys)
    async with serve(app) as url, raw(url) as connection:
        for _ in range(2):
            await connection.send(whole)
            assert (await connection.answer())[0] == 200
        app.state.verifier.is_revoked = lambda _: True
        await connection.send(whole)
        assert (await connection.answer())[0] == 401


async def test_who_waits_learns_that_the_client_has_left(keys: Keys, desk: Desk) -> None:
    left = asyncio.Event()

    async def wait(call: Call) -> None:
        await call.left()
        assert call.client.gone
        left.set()

    desk.go_on = wait
    async with serve(desk.app(keys)) as url:
        async with raw(url) as connection:
            await connection.send(request(keys, b"12"))
            await desk.begun.wait()
        await wait_until(left.is_set)


async def test_a_body_that_does_not_end_in_time_is_a_408_and_never_seen(
    keys: Keys, desk: Desk
) -> None:
    whole = request(keys, b"1234")
    async with serve(desk.app(keys), limits=HASTY) as url, raw(url) as connection:
        await connection.send(whole)
        assert (await connection.answer())[0] == 200
        await connection.send(whole[:-2])
        assert (await connection.answer())[0] == 408
        assert await connection.rest() == b""
    assert [body for _, body in desk.bodies] == [b"1234"]


async def test_who_is_answered_while_the_service_stops_is_told_of_it(
    keys: Keys, desk: Desk
) -> None:
    go_on = asyncio.Event()

    async def wait(_: Call) -> None:
        await go_on.wait()

    desk.go_on = wait
    app = desk.app(keys)
    async with contextlib.AsyncExitStack() as ending:
        async with serve(app) as url:
            connection = await ending.enter_async_context(raw(url))
            await connection.send(request(keys, b"12"))
            await desk.begun.wait()

            async def answered() -> tuple[int, dict[str, str], bytes]:
                await wait_until(app.state.stopping.is_set)
                go_on.set()
                return await connection.answer()

            answering = asyncio.create_task(answered())
        status, headers, body = await answering
        assert (status, headers["connection"], body) == (200, "close", b"front:12")
        assert await connection.rest() == b""


@pytest.mark.thorough
async def test_who_is_cancelled_at_the_end_of_the_time_to_stop_gets_a_503(
    keys: Keys, desk: Desk
) -> None:
    async def wait(_: Call) -> None:
        await asyncio.Event().wait()

    desk.go_on = wait
    async with contextlib.AsyncExitStack() as ending:
        async with serve(desk.app(keys)) as url:
            connection = await ending.enter_async_context(raw(url))
            await connection.send(request(keys, b"12"))
            await desk.begun.wait()
        assert (await connection.answer())[0] == 503
