"""A router that is asked to stop while it is busy: what it has taken, it answers."""

import asyncio
import json
import signal
from dataclasses import dataclass, field

import httpx
import pytest

from tests.e2e.router.installation import PATIENT, Installation, decisions
from tests.harness import ServiceProcess, client, wait_until
from tests.harness.model_publisher import SURE

pytestmark = pytest.mark.thorough

PREDICT = "/v1/projects/shop/predict"


@dataclass
class Calls:
    """What became of a stream of calls, by item id."""

    answered: set[str] = field(default_factory=set)
    failed: set[str] = field(default_factory=set)

    async def stream(self, installation: Installation, name: int) -> None:
        """Predict on one connection after another until the router is gone."""
        async with installation.caller() as caller:
            for n in range(100_000):
                item_id = f"{name}/{n}"
                body = {"items": [{"item_id": item_id, "data": {"score": SURE}}]}
                try:
                    answer = await caller.post(PREDICT, json=body)
                except httpx.TransportError:
                    self.failed.add(item_id)
                    return
                assert answer.status_code == 200, answer.text
                assert answer.json()["predictions"][0]["item_id"] == item_id
                self.answered.add(item_id)


async def stopped(router: ServiceProcess) -> int:
    return await asyncio.to_thread(router.stop, PATIENT)


@pytest.mark.parametrize("workers", ["1", "2"])
async def test_every_call_that_was_taken_gets_its_whole_answer(
    installation: Installation, workers: str
) -> None:
    await installation.publish_alone()
    calls = Calls()
    async with installation.router(SUREHAND_ROUTER_WORKERS=workers) as router:
        streams = [asyncio.create_task(calls.stream(installation, n)) for n in range(8)]
        await wait_until(lambda: len(calls.answered) > 100, PATIENT)
        assert await stopped(router) == 0
        await asyncio.gather(*streams)
        log = router.log.read_text()
    rows = {row["item_id"] for row in await decisions(installation.home)}
    assert rows == calls.answered
    assert not rows & calls.failed
    assert '"level": "error"' not in log
    assert "Traceback" not in log


async def test_an_idle_connection_is_told_before_it_is_closed(installation: Installation) -> None:
    await installation.publish_alone()
    body = {"items": [{"data": {"score": SURE}}]}
    async with (
        installation.router(SUREHAND_DRAIN_SECONDS="15") as router,
        installation.caller() as caller,
        client(router.base_url) as stranger,
    ):
        assert "connection" not in (await caller.post(PREDICT, json=body)).headers
        router.process.send_signal(signal.SIGTERM)

        async def missing() -> dict[str, str]:
            lacks: dict[str, str] = (await stranger.get("/readyz")).json()["missing"]
            return lacks

        assert await wait_until(missing) == {"service": "is stopping"}
        answer = await caller.post(PREDICT, json=body)
        assert answer.status_code == 200
        assert answer.headers["connection"] == "close"
        assert await asyncio.to_thread(router.process.wait, PATIENT) == 0


async def test_a_call_under_way_is_answered_after_the_listener_is_gone(
    installation: Installation,
) -> None:
    await installation.publish_alone()
    body = json.dumps({"items": [{"data": {"score": SURE}}]}).encode()
    token = installation.keys.issue("caller", "slow")
    head = (
        f"POST {PREDICT} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    ).encode()
    async with installation.router(SUREHAND_DRAIN_SECONDS="0") as router:
        reader, writer = await asyncio.open_connection("127.0.0.1", installation.router_port)
        writer.write(head + body[:10])
        await writer.drain()
        async with client(router.base_url) as stranger:
            # The loop that has answered this has read what was sent before.
            assert (await stranger.get("/healthz")).status_code == 200
        router.process.send_signal(signal.SIGTERM)

        async def refused() -> bool:
            try:
                _, probe = await asyncio.open_connection("127.0.0.1", installation.router_port)
            except ConnectionRefusedError:
                return True
            probe.close()
            return False

        await wait_until(refused)
        writer.write(body[10:])
        answer = await reader.read()
        assert answer.startswith(b"HTTP/1.1 200")
        assert b'"decision":"answered"' in answer
        writer.close()
        assert await asyncio.to_thread(router.process.wait, PATIENT) == 0
