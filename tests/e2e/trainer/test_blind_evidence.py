"""The attack on the promise: make a model that guesses look right, by undo and a second answer."""

import hashlib
from dataclasses import dataclass, field
from typing import Any

import httpx
import orjson
import pytest

from shared.auth import Keys
from shared.contracts.versions import PromiseDocument
from shared.settings import CommonSettings
from shared.store import promise_path
from tests.harness import wait_until
from tests.harness.trainer_and_queue import PROJECT, TrainerAndQueue, run_trainer_and_queue, truth
from tests.integration.trainer.promise.test_own_certification import own_model

pytestmark = pytest.mark.thorough

# All names that a reviewer finds in any reply, but for those of the item's own data.
KNOWN_NAMES = {
    *(
        "leases",
        "token",
        "expires_at",
        "lease_seconds",
        "task",
        "task_id",
        "item_id",
        "data",
        "text",
        "metadata",
    ),
    *("suggestion", "instructions_revision", "state", "outcome", "label", "revision"),
    *("type", "title", "status", "detail", "ending", "instance", "request_id"),
    *("reviewer", "verdicts", "skips", "skip_rate", "active_seconds_median", "verdicts_per_hour"),
    *("outcomes", "gold", "first_seen", "last_seen", "feedback", "cursor"),
}


def said_by_the_model(data: dict[str, Any]) -> str:
    return str(truth(data))


def a_coin(data: dict[str, Any]) -> str:
    """What is true: it has nothing to do with what the model says."""
    return ("negative", "positive")[hashlib.sha256(data["text"].encode()).digest()[0] % 2]


def names_in(value: Any) -> set[str]:
    if isinstance(value, dict):
        return set(value).union(*map(names_in, value.values()))
    return set().union(*map(names_in, value)) if isinstance(value, list) else set()


@dataclass
class Attacker:
    """A reviewer who takes each answer back, and answers anew as he thinks the model did."""

    http: httpx.AsyncClient
    is_omniscient: bool
    heard: list[Any] = field(default_factory=list)
    answers: int = 0
    taken_back: int = 0

    async def work(self) -> None:
        """Answer all there is."""
        leased = await self._post(f"/v1/projects/{PROJECT}/leases", {"count": 20})
        for lease in leased["leases"]:
            await self._flip(lease)

    async def _flip(self, lease: dict[str, Any]) -> None:
        data, path = lease["task"]["data"], f"/v1/leases/{lease['token']}"
        body = {"label": a_coin(data)}
        reply = await self._post(f"{path}/verdict", body)
        await self._post(f"{path}/verdict", body)
        await self._post(f"{path}/verdict", {"label": "no label"})
        await self._post(f"{path}/renew")
        undone = await self._post(f"{path}/undo")
        await self._post(f"{path}/undo")
        self.answers, self.taken_back = self.answers + 1, self.taken_back + 1
        for where in ("reviewers/me", "feedback"):
            self._hear(await self.http.get(f"/v1/projects/{PROJECT}/{where}"))
        leased = (await self._post(f"/v1/projects/{PROJECT}/leases"))["leases"]
        if not leased:  # the certification has ended, and its tasks were withdrawn
            return
        (again,) = leased
        assert again["task"] == lease["task"]
        told = [guess for one in (reply, undone) for guess in guesses_in(one)]
        answer = said_by_the_model(data) if self.is_omniscient else (told or [a_coin(data)])[0]
        await self._post(f"/v1/leases/{again['token']}/verdict", {"label": answer})
        self.answers += 1

    async def _post(self, path: str, body: Any = None) -> Any:
        return self._hear(await self.http.post(path, json=body))

    def _hear(self, response: httpx.Response) -> Any:
        said = response.json()
        self.heard.append(said)
        return said


def guesses_in(reply: dict[str, Any]) -> list[str]:
    """What a reply says of the model's answer, if anything."""
    outcome = reply["outcome"] or {}
    return [outcome["prediction"]["label"]] if outcome.get("prediction") else []


async def bring(both: TrainerAndQueue) -> None:
    model, manifest = own_model()
    response = await both.trainer.post(
        f"/v1/projects/{PROJECT}/versions",
        files={
            "model": ("model.onnx", model),
            "manifest": (None, orjson.dumps(manifest.model_dump()).decode()),
        },
    )
    assert response.status_code == 201, response.text


@pytest.mark.parametrize("is_omniscient", [False, True])
async def test_model_that_guesses_is_not_certified_by_answers_changed_after_an_undo(
    common: CommonSettings, keys: Keys, sqlite_url: str, *, is_omniscient: bool
) -> None:
    async with run_trainer_and_queue(common, keys, sqlite_url) as both:
        await both.put_project(
            promise={"certification_draws": 1}, training={"min_new_labels": 10**9}
        )
        await both.import_pool(0, 100)
        await bring(both)
        attacker = Attacker(both.reviewer, is_omniscient)

        async def has_ended() -> bool:
            await attacker.work()
            view = (await both.trainer.get(f"/v1/projects/{PROJECT}/certificate")).json()
            return view["state"] in {"failed", "certified"}

        await wait_until(has_ended)
        view = await both.certificate("failed", "certified")
        assert view["state"] == "failed"
        # The test ends at the first answer after which nothing could certify any more.
        assert view["progress"]["drawn"] == 40
        assert 0 < view["progress"]["answered"] <= 40
        assert view["result"]["threshold"] is None
        document = await both.store.read_document(promise_path(PROJECT), PromiseDocument)
        assert document is not None
        assert document.versions["v1"].state == "uncertified"
        assert set().union(*map(names_in, attacker.heard)) <= KNOWN_NAMES
        listed = (await both.queue.get(f"/v1/projects/{PROJECT}/reviewers")).json()["reviewers"]
        (named,) = [one for one in listed if one["reviewer"] == "r1"]
        changes = named["changed_answers"]
        assert (changes["answers"], changes["taken_back"]) == (
            attacker.answers,
            attacker.taken_back,
        )
        (warning,) = named["warnings"]
        said = f"Took back {attacker.taken_back} and changed {changes['changed']} of"
        assert f"{said} {attacker.answers} answers" in warning
        if is_omniscient:
            assert changes["changed"] == changes["to_model"] == changes["evidence"] > 0
        else:
            # He learned nothing by which he could have changed an answer.
            assert changes["changed"] == 0
