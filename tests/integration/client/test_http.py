"""Requests over real sockets: what is sent, what is repeated, and what is raised."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from surehand import (
    AsyncSurehand,
    ConfigurationError,
    Conflict,
    RetryPolicy,
    ServiceUnavailable,
    Surehand,
    TooManyRequests,
    Unavailable,
)
from tests.harness import free_port
from tests.integration.client.scripted import Answer, scripted

QUICK = RetryPolicy(retries=2, first_seconds=0.001)
Call = Callable[..., Awaitable[Any]]

AWAY = Answer(503, b'{"title": "Away"}', {"Retry-After": "0"})


@pytest.fixture(params=["asyncio", "threads"])
def call(request: pytest.FixtureRequest) -> Call:
    """Return a `call` of either client: they are one code."""

    async def asynchronously(url: str, *what: Any, **options: Any) -> Any:
        async with AsyncSurehand(router=url, token="secret", retries=QUICK) as client:
            return await client.call(*what, **options)

    def in_a_thread(url: str, *what: Any, **options: Any) -> Any:
        with Surehand(router=url, token="secret", retries=QUICK) as client:
            return client.call(*what, **options)

    async def threaded(*what: Any, **options: Any) -> Any:
        return await asyncio.to_thread(in_a_thread, *what, **options)

    return asynchronously if request.param == "asyncio" else threaded


async def test_a_call_sends_token_parameters_and_body(call: Call) -> None:
    with scripted(Answer(body=b'{"a": 1}')) as server:
        params = {"limit": 3, "after": None, "brief": True}
        answer = await call(server.url, "router", "POST", "/v1/x", json={"b": 2}, params=params)
    assert answer == {"a": 1}
    assert server.requests == [("POST", "/v1/x?limit=3&brief=true", b'{"b":2}')]
    assert server.headers[0]["Authorization"] == "Bearer secret"


async def test_an_answer_without_a_body_is_none(call: Call) -> None:
    with scripted(Answer(204, b"")) as server:
        assert await call(server.url, "router", "DELETE", "/v1/x") is None


@pytest.mark.parametrize("failure", [AWAY, Answer(0), Answer(502, b"bad gateway")])
async def test_what_acts_once_is_repeated(call: Call, failure: Answer) -> None:
    with scripted(failure, failure, Answer()) as server:
        assert await call(server.url, "router", "GET", "/v1/x") == {}
        assert len(server.requests) == 3
    with scripted(failure, Answer()) as server:
        body = {"item_ids": ["a"]}
        await call(server.url, "router", "POST", "/v1/x", json=body, is_idempotent=True)
        assert [body for *_, body in server.requests] == [b'{"item_ids":["a"]}'] * 2


async def test_what_may_act_twice_is_not_repeated(call: Call) -> None:
    for failure, error in ((AWAY, ServiceUnavailable), (Answer(0), Unavailable)):
        with scripted(failure, Answer()) as server:
            with pytest.raises(error):
                await call(server.url, "router", "POST", "/v1/x", json={})
            assert len(server.requests) == 1
        # Repeated, it would be refused for what its first call changed.
        with scripted(failure, Answer(409)) as server:
            headers = {"If-Match": '"a"'}
            with pytest.raises(error):
                await call(server.url, "router", "DELETE", "/v1/x", headers=headers)
            assert len(server.requests) == 1


async def test_a_call_that_was_refused_for_its_rate_is_repeated(call: Call) -> None:
    busy = Answer(429, b'{"title": "Too many"}', {"Retry-After": "0"})
    with scripted(busy, Answer()) as server:
        assert await call(server.url, "router", "POST", "/v1/x", json={}) == {}
    later = Answer(429, b'{"title": "Too many"}', {"Retry-After": "3600"})
    with scripted(later) as server:
        with pytest.raises(TooManyRequests) as caught:
            await call(server.url, "router", "POST", "/v1/x", json={})
        assert len(server.requests) == 1
    assert caught.value.retry_after == 3600


async def test_retries_end(call: Call) -> None:
    with scripted(AWAY) as server:
        with pytest.raises(ServiceUnavailable):
            await call(server.url, "router", "GET", "/v1/x")
        assert len(server.requests) == 1 + QUICK.retries


async def test_a_refusal_is_raised_at_once(call: Call) -> None:
    with scripted(Answer(409, b'{"title": "No", "revision": 7}')) as server:
        with pytest.raises(Conflict) as caught:
            await call(server.url, "router", "PUT", "/v1/x", json={})
        assert len(server.requests) == 1
    assert caught.value.revision == 7


async def test_a_service_that_does_not_listen_is_unavailable(call: Call) -> None:
    with pytest.raises(Unavailable, match="router cannot be reached") as caught:
        await call(f"http://127.0.0.1:{free_port()}", "router", "POST", "/v1/x", json={})
    assert caught.value.service == "router"


async def test_a_service_that_was_not_named_is_a_fault_of_configuration(call: Call) -> None:
    with pytest.raises(ConfigurationError, match="trainer"):
        await call("http://127.0.0.1:1", "trainer", "GET", "/v1/x")


async def test_a_stream_that_breaks_off_is_unavailable() -> None:
    with scripted(Answer(body=b"x" * 1000, cut_after=10)) as server:
        async with AsyncSurehand(router=server.url, token="t") as client:
            with pytest.raises(Unavailable):
                async with client.stream("router", "GET", "/v1/x") as response:
                    assert await response.aread()
