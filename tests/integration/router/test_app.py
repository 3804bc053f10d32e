"""The application as a whole: start, readiness, its own description."""

import contextlib
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from pydantic import SecretStr

from services.router.app import create_app
from services.router.settings import RouterSettings
from shared.settings import CommonSettings, SettingsError
from tests.harness import client, serve, wait_until, wait_until_ready
from tests.harness.model_publisher import Publisher
from tests.integration.router.conftest import ServedRouter


def test_without_a_secret_it_does_not_start(common: CommonSettings) -> None:
    with pytest.raises(SettingsError, match="SUREHAND_SECRET"):
        create_app(common.model_copy(update={"secret": SecretStr("")}), RouterSettings())


async def test_an_empty_store_is_one_to_be_ready_on(common: CommonSettings) -> None:
    async with (
        serve(create_app(common, RouterSettings())) as url,
        client(url) as stranger,
    ):
        await wait_until_ready(stranger)
        assert (await stranger.get("/healthz")).status_code == 200


async def test_it_is_not_ready_while_the_store_cannot_be_read(
    common: CommonSettings, publisher: Publisher
) -> None:
    await publisher.put_project()
    with unreadable(common.home / "store" / "shop" / "project.json"):
        async with serve(create_app(common, RouterSettings())) as url, client(url) as stranger:
            before = await store_failures(stranger)

            async def failed_again() -> bool:
                return await store_failures(stranger) > before

            await wait_until(failed_again)
            response = await stranger.get("/readyz")
            assert response.status_code == 503
            assert list(response.json()["missing"]) == ["store"]


async def store_failures(stranger: httpx.AsyncClient) -> float:
    name = "surehand_router_store_failures_total "
    lines = (await stranger.get("/metrics")).text.splitlines()
    return next(float(line.split()[-1]) for line in lines if line.startswith(name))


@contextlib.contextmanager
def unreadable(path: Path) -> Iterator[None]:
    """Put a link to itself in the place of a document: there is something, but no reading it."""
    kept = path.rename(path.with_suffix(".kept"))
    path.symlink_to(path)
    try:
        yield
    finally:
        path.unlink()
        kept.rename(path)


async def test_the_api_describes_every_problem(served: ServedRouter) -> None:
    document = (await served.caller.get("/openapi.json")).json()
    responses = {
        path: set(next(iter(methods.values()))["responses"])
        for path, methods in document["paths"].items()
        if path.startswith("/v1")
    }
    base = "/v1/projects/{project}"
    common = {"200", "401", "403", "404", "422", "503"}
    assert responses[f"{base}/predict"] == common | {"400", "408", "409", "413", "429"}
    assert responses[f"{base}/items/{{item_id}}/outcome"] == common | {"410"}
    assert responses[f"{base}/model"] == common
    infer = document["paths"]["/v2/models/{project}/infer"]["post"]["responses"].keys()
    assert infer >= responses[f"{base}/predict"]
