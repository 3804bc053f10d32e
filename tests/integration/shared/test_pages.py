"""What people and programs find at a service's address, and what a wrong request is told."""

import contextlib
import importlib
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
from fastapi import APIRouter, FastAPI
from pydantic import BaseModel, Field

from services.serving import load_service_settings
from shared.auth import Keys
from shared.http.app import build_app
from shared.http.body import StrictRoute
from shared.problems.handlers import OWNERS
from shared.settings import CommonSettings
from tests.harness import client, serve


class _Entry(BaseModel, extra="forbid"):
    name: str = Field(min_length=1)
    count: int = Field(ge=1)


class _Body(BaseModel, extra="forbid"):
    entries: list[_Entry] = Field(min_length=1)


def _app(folder: Path) -> FastAPI:
    router = APIRouter(route_class=StrictRoute)

    @router.post("/v1/entries")
    async def entries(body: _Body) -> int:
        return len(body.entries)

    @router.get("/v1/entries/{name}")
    async def entry(name: str) -> str:
        return name

    @contextlib.asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        yield

    return build_app(
        CommonSettings(public_keys_dir=folder),
        service="echo",
        description="Says what was said.",
        lifespan=lifespan,
        routers=[router],
        missing={},
    )


@pytest.fixture
async def echo(keys: Keys) -> AsyncIterator[httpx.AsyncClient]:
    async with (
        serve(_app(keys.public_folder)) as url,
        client(url, keys.issue("caller", "app")) as http,
    ):
        yield http


async def test_the_documentation_needs_no_other_host(echo: httpx.AsyncClient) -> None:
    page = await echo.get("/docs")
    assert page.status_code == 200
    assert "//" not in page.text.replace("<!doctype", "")
    policy = page.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    for asset, kind in (("swagger-ui.css", "css"), ("swagger-ui-bundle.js", "javascript")):
        assert f"docs/{asset}" in page.text
        found = await echo.get(f"/docs/{asset}")
        assert found.status_code == 200
        assert kind in found.headers["content-type"]
        assert len(found.content) > 10_000
    assert "openapi.json" in (await echo.get("/docs/start.js")).text
    assert (await echo.get("/docs/other.js")).status_code == 404


async def test_the_root_says_what_is_there(echo: httpx.AsyncClient) -> None:
    told = (await echo.get("/")).json()
    assert (told["service"], told["description"]) == ("echo", "Says what was said.")
    for name in ("docs", "openapi", "healthz", "readyz"):
        assert (await echo.get(told[name])).status_code == 200
    assert "port 8003" in told["people"]
    page = await echo.get("/", headers={"Accept": "text/html,*/*"})
    assert page.headers["content-type"].startswith("text/html")
    assert 'href="docs"' in page.text


@pytest.mark.parametrize(
    ("headers", "came"),
    [
        ({}, "without a Content-Type"),
        ({"Content-Type": "text/plain"}, "`Content-Type: text/plain`"),
    ],
)
async def test_a_body_that_does_not_say_that_it_is_json(
    echo: httpx.AsyncClient, headers: dict[str, str], came: str
) -> None:
    answer = await echo.post("/v1/entries", content=b'{"entries": []}', headers=headers)
    assert answer.status_code == 422
    detail = answer.json()["detail"]
    assert "Content-Type: application/json" in detail
    assert came in detail


async def test_detail_is_the_first_fault_in_our_words(echo: httpx.AsyncClient) -> None:
    body = {"entries": [{"name": "", "count": "x", "extra": 1}, 7]}
    problem = (await echo.post("/v1/entries", json=body)).json()
    assert problem["errors"] == [
        {"pointer": "/entries/0/name", "detail": "must have at least 1 character(s)"},
        {"pointer": "/entries/0/count", "detail": "must be a whole number"},
        {
            "pointer": "/entries/0/extra",
            "detail": "is not a member of this object: check the name, or leave it out",
        },
        {"pointer": "/entries/1", "detail": "must be an object"},
    ]
    assert problem["detail"] == (
        "/entries/0/name: must have at least 1 character(s) (and 3 more: see `errors`)"
    )
    missing = (await echo.post("/v1/entries", json={})).json()
    assert missing["detail"] == "/entries: is missing"


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("/v1/projects/x/leases", "the review queue, port 8001"),
        ("/v1/projects/x/predict", "the router, port 8000"),
        ("/v1/projects/x/pool/batches", "the trainer, port 8002"),
        ("/v1/projects/x/outcomes", "the router, port 8000 or the review queue, port 8001"),
        ("/v2/models/x", "the router, port 8000"),
        ("/v1/entries/", "Leave out the slash at the end: `/v1/entries`."),
        ("/router/v1/projects/x/predict", "`/router` is a prefix of a gateway"),
        ("/v1/v1/projects", "The path has `/v1` twice"),
        ("/nothing", "`GET /docs` lists"),
    ],
)
async def test_a_wrong_path_is_told_whose_it_is(
    echo: httpx.AsyncClient, path: str, said: str
) -> None:
    problem = (await echo.get(path)).json()
    assert (problem["status"], problem["type"]) == (404, "urn:surehand:problem:not-found")
    assert said in problem["detail"]


async def test_a_wrong_method_is_told_the_right_ones(echo: httpx.AsyncClient) -> None:
    answer = await echo.get("/v1/entries")
    assert answer.status_code == 405
    assert answer.json()["detail"] == "This path takes POST."


@pytest.mark.parametrize("service", ["router", "review_queue", "trainer"])
def test_paths_are_of_the_services_that_hints_name(service: str, common: CommonSettings) -> None:
    module = importlib.import_module(f"services.{service}.app")
    paths = module.create_app(common, load_service_settings(service)).openapi()["paths"]
    prefix = "/v1/projects/{project}/"
    words = {path.split("/")[4] for path in paths if path.startswith(prefix)}
    assert OWNERS[service.replace("_", " ")] - words == set()
