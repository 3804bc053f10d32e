"""An item is erased in a whole installation: in every service, and in what they have stored."""

import gzip
from pathlib import Path
from typing import Any

import httpx
import pytest

from services.local.home import Home
from tests.e2e.client.conftest import serve_all
from tests.harness import client, wait_until
from tests.harness.rows import tables_with

pytestmark = pytest.mark.thorough

PROJECT = "/v1/projects/shop"
SECRET = "loris"
SPEC = {
    "labels": ["bad", "good"],
    "fields": {"text": {"type": "text"}},
    "metadata": ["channel"],
    # Every label trains, so that the snapshot holds the secret.
    "promise": {"holdout_rate": 0},
    "training": {"min_new_labels": 41},
}


def _item(number: int) -> dict[str, Any]:
    word = "lovely" if number % 2 else "broken"
    return {"item_id": f"item-{number}", "data": {"text": f"{word} thing number {number}"}}


def _holding(home: Path) -> dict[str, list[str]]:
    """The files of the installation in which the secret stands, by the folder they are in."""
    found: dict[str, list[str]] = {}
    for path in home.rglob("*"):
        if not path.is_file() or path.name.startswith(("review_queue.db", "trainer.db")):
            continue
        content = path.read_bytes()
        if path.suffix == ".gz":
            content = gzip.decompress(content)
        if SECRET.encode() in content:
            found.setdefault(path.relative_to(home).parts[0], []).append(path.name)
    return found


async def _tables(home: Path) -> dict[str, set[str]]:
    services = ("review_queue", "trainer")
    return {
        name: await tables_with(f"sqlite+aiosqlite:///{home / f'{name}.db'}", SECRET)
        for name in services
    }


async def _answer_all(queue: httpx.AsyncClient) -> None:
    while True:
        answer = await queue.post(f"{PROJECT}/leases", json={"count": 100})
        leases = answer.raise_for_status().json()["leases"]
        if not leases:
            return
        for lease in leases:
            text = lease["task"]["data"]["text"]
            verdict = {"label": "good" if "lovely" in text else "bad", "comment": text}
            path = f"/v1/leases/{lease['token']}/verdict"
            (await queue.post(path, json=verdict)).raise_for_status()


async def _trained(trainer: httpx.AsyncClient) -> bool:
    answer = await trainer.get(f"{PROJECT}/versions")
    return bool(answer.raise_for_status().json()["versions"])


async def _live(
    router: httpx.AsyncClient, queue: httpx.AsyncClient, trainer: httpx.AsyncClient
) -> None:
    """Let people label forty items and the secret one, and a model learn from them."""
    assert (await queue.put(PROJECT, json=SPEC)).status_code == 201
    secret = {
        "item_id": "secret",
        "data": {"text": f"a lovely {SECRET}"},
        "metadata": {"channel": SECRET},
    }
    items = [secret, *(_item(number) for number in range(40))]
    predicted = await router.post(f"{PROJECT}/predict", json={"items": items})
    assert {one["decision"] for one in predicted.json()["predictions"]} == {"in_review"}
    await _answer_all(queue)

    async def logged() -> bool:
        answer = await trainer.get(f"{PROJECT}/decisions", params={"item_id": "secret"})
        return bool(answer.raise_for_status().json()["decisions"])

    await wait_until(logged)

    await wait_until(lambda: _trained(trainer))


async def test_an_erased_item_is_gone_from_all_services(home: Path, redis_url: str) -> None:
    installed = Home(home)
    installed.keys.ensure()
    operator = installed.keys.issue("operator", "olga")
    async with serve_all(installed, redis_url) as addresses:
        router = client(addresses["router"], installed.keys.issue("caller", "shop"))
        queue = client(addresses["review_queue"], operator)
        trainer = client(addresses["trainer"], operator)
        async with router, queue, trainer:
            await _live(router, queue, trainer)
            before = await _tables(home)
            assert {"tasks", "verdicts"} <= before["review_queue"]
            assert {"outcomes", "ledger_rows"} <= before["trainer"]
            assert len(_snapshots(home)) == 1

            erased = await queue.delete(f"{PROJECT}/items/secret", params={"reason": "asked"})
            assert erased.status_code == 200, erased.text

            async def forgotten() -> bool:
                return await _tables(home) == {"review_queue": set(), "trainer": set()}

            await wait_until(forgotten)
            await wait_until(lambda: not _snapshots(home))
            # What is left is the router's decision log, for as long as the project says.
            holding = _holding(home)
            assert holding.keys() == {"store"}
            logs = [path for path in (home / "store" / "shop").rglob("*.gz") if _has(path)]
            assert {path.relative_to(home / "store" / "shop").parts[0] for path in logs} == {
                "decisions"
            }
            outcome = await router.get(f"{PROJECT}/items/secret/outcome")
            assert outcome.status_code == 410
            again = {"items": [{"item_id": "secret", "data": {"text": "a lovely thing"}}]}
            refused = await router.post(f"{PROJECT}/predict", json={**again, "review": "always"})
            assert refused.status_code == 422

            async def counted() -> bool:
                (dataset,) = (await trainer.get(f"{PROJECT}/datasets")).json()["datasets"]
                return (dataset["items"], dataset["erased"]) == (41, 1)

            # The counts follow the files, in case somebody stumbles in between.
            await wait_until(counted)


def _has(path: Path) -> bool:
    return SECRET.encode() in gzip.decompress(path.read_bytes())


def _snapshots(home: Path) -> list[Path]:
    folder = home / "store" / "shop" / "datasets"
    return [path for path in folder.glob("*.gz") if _has(path)]
