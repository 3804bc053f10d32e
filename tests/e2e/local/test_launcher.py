"""``make run``: one command, real servers, clean stops, one launcher a home."""

import json
import signal
import socket
from collections.abc import Callable
from pathlib import Path

import httpx
import psutil
import pytest

from tests.harness import is_alive, wait_until
from tests.harness.installation import Launched, launch

pytestmark = pytest.mark.thorough

SPEC = {"labels": ["no", "yes"], "fields": {"text": {"type": "text"}}}


def _family(pid: int) -> list[psutil.Process]:
    return psutil.Process(pid).children(recursive=True)


async def test_stop_leaves_no_process_and_keeps_the_data(tmp_path: Path) -> None:
    home = tmp_path / "home"
    with launch(home) as first:
        assert (home / "tokens.json").stat().st_mode & 0o777 == 0o600
        tokens = json.loads((home / "tokens.json").read_text())
        assert tokens.keys() == {"caller", "reviewer", "operator", "service"}
        family = _family(first.process.pid)
        assert len(family) >= 4
        async with first.client("review_queue", "operator") as queue:
            assert (await queue.put("/v1/projects/shop", json=SPEC)).status_code == 201
        check_stopped(first, family, signal.SIGINT)
    with launch(home) as second:
        family = _family(second.process.pid)
        async with second.client("review_queue", "operator") as queue:
            assert (await queue.get("/v1/projects/shop")).json()["labels"] == ["no", "yes"]
        check_stopped(second, family, signal.SIGTERM)


def check_stopped(launched: Launched, family: list[psutil.Process], number: signal.Signals) -> None:
    """Stop an installation with a signal, and check that none of its processes is left."""
    assert launched.stop(number) == 0
    assert not (launched.home / "ready").exists()
    assert [process for process in family if is_alive(process)] == []


async def test_killed_launcher_takes_its_children_with_it(tmp_path: Path) -> None:
    with launch(tmp_path / "home") as launched:
        family = _family(launched.process.pid)
        launched.process.kill()
        launched.process.wait()
        await wait_until(lambda: not any(map(is_alive, family)))


def test_busy_port_says_one_sentence(tmp_path: Path) -> None:
    with socket.socket() as busy:
        busy.bind(("127.0.0.1", 0))
        busy.listen()
        port = str(busy.getsockname()[1])
        with launch(tmp_path / "home", ready=False, SUREHAND_TRAINER_PORT=port) as launched:
            assert launched.process.wait(timeout=180) == 2
            words = launched.output.read_text().strip()
    assert words.count("\n") == 0
    assert port in words
    assert "SUREHAND_TRAINER_PORT" in words


def test_an_unknown_setting_stops_the_start(tmp_path: Path) -> None:
    with launch(tmp_path / "home", ready=False, SUREHAND_ROUTER_PROT="8000") as launched:
        assert launched.process.wait(timeout=180) == 2
        assert "Unknown setting SUREHAND_ROUTER_PROT" in launched.output.read_text()


async def test_children_that_are_killed_or_whose_event_loop_stands_still_come_back(
    tmp_path: Path,
) -> None:
    with launch(tmp_path / "home", SUREHAND_HANG_SECONDS="10") as launched:
        for name in ("redis", "router", "review_queue", "trainer"):
            await come_back(launched, [name], psutil.Process.kill)
        await come_back(launched, ["router", "trainer"], psutil.Process.suspend)


async def come_back(
    launched: Launched, names: list[str], hurt: Callable[[psutil.Process], None]
) -> None:
    """Hurt children at the same time, and wait until others in their places are ready."""
    before = {name: launched.child(name) for name in names}
    for child in before.values():
        hurt(child)

    def are_back() -> bool:
        try:
            return all(launched.child(name).pid != child.pid for name, child in before.items())
        except LookupError:
            return False

    await wait_until(are_back)
    for name in before.keys() - {"redis"}:
        async with launched.client(name, "operator") as http:

            async def is_ready(http: httpx.AsyncClient = http) -> bool:
                try:
                    return (await http.get("/readyz")).is_success
                except httpx.TransportError:
                    return False

            await wait_until(is_ready)
