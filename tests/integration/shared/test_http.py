"""The common HTTP face over real HTTP: bodies, problems, roles, health."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Annotated

import httpx
import pytest
from fastapi import APIRouter, Depends, FastAPI
from pydantic import BaseModel

from shared.auth import Keys, Principal, allow
from shared.http.app import build_app
from shared.http.body import StrictRoute
from shared.http.readiness import Checks
from shared.settings import CommonSettings
from tests.harness import client, serve


class _Echo(BaseModel):
    value: dict[str, object]


def _app(keys: Keys, lacks: dict[str, str], degraded: Checks | None = None) -> FastAPI:
    router = APIRouter(route_class=StrictRoute)

    @router.post("/v1/projects/{project}/echo")
    async def echo(
        project: str, body: _Echo, caller: Annotated[Principal, Depends(allow("caller"))]
    ) -> dict[str, object]:
        return {"project": project, "subject": caller.subject, "value": body.value}

    @router.post("/boom")
    async def boom(caller: Annotated[Principal, Depends(allow("caller"))]) -> None:
        raise ZeroDivisionError(caller.subject)

    @contextlib.asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        yield

    async def missing() -> dict[str, str]:
        return lacks

    return build_app(
        CommonSettings(public_keys_dir=keys.public_folder),
        service="echo",
        description="",
        lifespan=lifespan,
        routers=[router],
        missing={"database": missing},
        degraded=degraded,
    )


@pytest.fixture
async def echo(keys: Keys) -> AsyncIterator[httpx.AsyncClient]:
    async with serve(_app(keys, {})) as url, client(url, keys.issue("caller", "app")) as http:
        yield http


ECHO = "/v1/projects/shop/echo"
JSON = {"Content-Type": "application/json"}


async def test_good_request_is_answered_with_its_request_id(echo: httpx.AsyncClient) -> None:
    answer = await echo.post(ECHO, json={"value": {"a": 1}}, headers={"X-Request-Id": "abc"})
    assert answer.json() == {"project": "shop", "subject": "app", "value": {"a": 1}}
    assert answer.headers["x-request-id"] == "abc"


@pytest.mark.parametrize(
    ("body", "status", "pointer"),
    [
        (b"{", 400, None),
        (b"\xff\xfe", 400, None),
        (b'{"value": {"a": NaN}}', 422, "/value/a"),
        (b'{"value": {"a/b": [0, Infinity]}}', 422, "/value/a~1b/1"),
        (b'{"value": {"a": "\\ud800"}}', 422, "/value/a"),
        (b'{"value": 5}', 422, "/value"),
        (b"{}", 422, "/value"),
    ],
)
async def test_bad_body_is_a_problem_with_its_place(
    echo: httpx.AsyncClient, body: bytes, status: int, pointer: str | None
) -> None:
    answer = await echo.post(ECHO, content=body, headers=JSON)
    problem = answer.json()
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"
    assert {"type", "title", "status", "detail"} <= problem.keys()
    if pointer is not None:
        assert [error["pointer"] for error in problem["errors"]] == [pointer]


@pytest.mark.parametrize("chunked", [False, True])
@pytest.mark.parametrize("media_type", ["application/json", "text/plain"])
async def test_body_over_the_limit_is_seen_as_413(
    echo: httpx.AsyncClient, chunked: bool, media_type: str
) -> None:
    body = b'{"value": "' + b"x" * (9 * 1024 * 1024) + b'"}'

    async def pieces() -> AsyncIterator[bytes]:
        for start in range(0, len(body), 65536):
            yield body[start : start + 65536]

    headers = {"Content-Type": media_type}
    answer = await echo.post(ECHO, content=pieces() if chunked else body, headers=headers)
    assert answer.status_code == 413
    assert answer.json()["limit_bytes"] == 8 * 1024 * 1024


async def test_chunked_body_within_the_limit_is_read_whole(echo: httpx.AsyncClient) -> None:
    async def pieces() -> AsyncIterator[bytes]:
        yield b'{"value": {"a": "'
        yield b"x" * 100_000
        yield b'"}}'

    answer = await echo.post(ECHO, content=pieces(), headers=JSON)
    assert len(answer.json()["value"]["a"]) == 100_000


async def test_roles_and_projects_are_kept(keys: Keys) -> None:
    tokens = {
        "none": (None, 401),
        "forged": ("a.b.c", 401),
        "reviewer": (keys.issue("reviewer", "r"), 403),
        "service": (keys.issue("service", "s"), 403),
        "elsewhere": (keys.issue("caller", "c", projects=["bank"]), 403),
        "here": (keys.issue("caller", "c", projects=["shop"]), 200),
        "operator": (keys.issue("operator", "o"), 200),
    }
    async with serve(_app(keys, {})) as url:
        for token, status in tokens.values():
            async with client(url, token) as http:
                answer = await http.post(ECHO, json={"value": {}})
                assert answer.status_code == status


async def test_stranger_is_refused_before_the_body_is_parsed(keys: Keys) -> None:
    async with serve(_app(keys, {})) as url, client(url) as http:
        answer = await http.post(ECHO, content=b"{", headers=JSON)
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"].startswith("Bearer")


async def test_failure_is_a_problem_without_a_traceback(echo: httpx.AsyncClient) -> None:
    answer = await echo.post("/boom")
    assert answer.status_code == 500
    assert "ZeroDivisionError" not in answer.text
    assert answer.json()["type"] == "urn:surehand:problem:internal-error"


async def test_unknown_route_and_method_are_problems(echo: httpx.AsyncClient) -> None:
    assert (await echo.get("/nowhere")).json()["status"] == 404
    assert (await echo.get(ECHO)).json()["status"] == 405


async def test_health_says_what_is_missing(keys: Keys) -> None:
    async with serve(_app(keys, {"database": "is not migrated"})) as url, client(url) as http:
        assert (await http.get("/healthz")).status_code == 200
        answer = await http.get("/readyz")
        assert answer.status_code == 503
        assert answer.json()["missing"] == {"database": "is not migrated"}
        assert "surehand_http_requests_total" in (await http.get("/metrics")).text
        assert (await http.get("/openapi.json")).json()["info"]["title"] == "Surehand echo"


@pytest.mark.parametrize("path", ["/healthz", "/readyz", "/metrics", "/openapi.json"])
async def test_head_is_answered_as_get_without_its_body(keys: Keys, path: str) -> None:
    async with serve(_app(keys, {"database": "is away"})) as url, client(url) as http:
        expected, answer = await http.get(path), await http.head(path)
        counted = (await http.get("/metrics")).text
    assert (answer.status_code, answer.content) == (expected.status_code, b"")
    assert answer.headers["content-type"] == expected.headers["content-type"]
    if path != "/metrics":
        assert answer.headers["content-length"] == expected.headers["content-length"]
    assert f'method="HEAD",route="{path}"' in counted or path == "/openapi.json"


async def test_a_method_that_is_refused_is_told_of_the_others(echo: httpx.AsyncClient) -> None:
    assert (await echo.head(ECHO)).headers["allow"] == "POST"
    answer = await echo.post("/healthz")
    assert (answer.status_code, answer.headers["allow"]) == (405, "GET, HEAD")


async def test_a_slash_too_many_is_not_found(echo: httpx.AsyncClient) -> None:
    for answer in (await echo.post(f"{ECHO}/", json={"value": {}}), await echo.get("/healthz/")):
        assert answer.status_code == 404
        assert answer.json()["type"] == "urn:surehand:problem:not-found"
        assert "location" not in answer.headers


async def test_the_description_says_who_needs_a_token_and_nothing_that_is_not_so(
    echo: httpx.AsyncClient,
) -> None:
    document = (await echo.get("/openapi.json")).json()
    (scheme,) = document["components"]["securitySchemes"]
    described = document["paths"]["/v1/projects/{project}/echo"]["post"]
    assert described["security"] == [{scheme: []}]
    # What the caller, the project's name and the body may be refused for.
    refused = {"400", "401", "403", "404", "408", "413", "422", "503"}
    assert described["responses"].keys() == refused | {"200"}
    # No service of ours gives FastAPI's own form of a 422.
    assert list(described["responses"]["422"]["content"]) == ["application/problem+json"]
    assert document["paths"]["/boom"]["post"]["responses"].keys() == {"200", "401", "403", "503"}
    assert "ValidationError" not in document["components"]["schemas"]
    assert "security" not in document["paths"]["/healthz"]["get"]


async def _readyz(app: FastAPI) -> tuple[int, dict[str, str], list[dict[str, str]]]:
    async with serve(app) as url, client(url) as http:
        answer = await http.get("/readyz")
    return answer.status_code, answer.json()["missing"], answer.json()["degraded"]


async def test_a_degraded_part_is_listed_and_the_service_is_ready(keys: Keys) -> None:
    async def store() -> dict[str, str]:
        return {"store": "not writable"}

    assert await _readyz(_app(keys, {}, {"store": store})) == (
        200,
        {},
        [{"part": "store", "detail": "not writable"}],
    )


async def test_a_check_that_hangs_or_fails_is_named_and_not_waited_for(keys: Keys) -> None:
    looks = 0

    async def store() -> dict[str, str]:
        nonlocal looks
        looks += 1
        await asyncio.Event().wait()
        return {}

    async def spool() -> dict[str, str]:
        raise ZeroDivisionError

    app = _app(keys, {}, {"store": store, "spool": spool})
    async with serve(app) as url, client(url) as http:
        answers = await asyncio.gather(*(http.get("/readyz") for _ in range(5)))
    for answer in answers:
        assert answer.status_code == 200
        found = {one["part"]: one["detail"] for one in answer.json()["degraded"]}
        assert "has not answered" in found["store"]
        assert "ZeroDivisionError" in found["spool"]
    assert looks == 1


async def test_a_check_that_takes_its_time_counts_as_its_last_result(keys: Keys) -> None:
    slow = asyncio.Event()
    looks = 0

    async def store() -> dict[str, str]:
        nonlocal looks
        looks += 1
        if looks == 1:
            return {}
        await slow.wait()
        return {"store": "not writable"}

    async with serve(_app(keys, {}, {"store": store})) as url, client(url) as http:
        assert (await http.get("/readyz")).json()["degraded"] == []
        assert (await http.get("/readyz")).json()["degraded"] == []
        slow.set()
        later = (await http.get("/readyz")).json()["degraded"]
    assert later == [{"part": "store", "detail": "not writable"}]
