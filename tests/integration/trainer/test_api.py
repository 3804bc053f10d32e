"""The trainer's HTTP trainer: roles, faults, lists, readiness."""

from typing import Any

import pytest

from shared.auth import Keys, Role
from shared.settings import CommonSettings
from tests.harness import client, wait_until
from tests.harness.cases import further
from tests.harness.served_trainer import ROOT, serve_trainer

ROUTES = [
    ("GET", f"{ROOT}/pool"),
    ("POST", f"{ROOT}/pool"),
    ("POST", f"{ROOT}/pool/batches"),
    ("POST", f"{ROOT}/runs"),
    ("GET", f"{ROOT}/runs"),
    ("GET", f"{ROOT}/runs/x"),
    ("POST", f"{ROOT}/runs/x/cancel"),
    ("GET", f"{ROOT}/versions"),
    ("POST", f"{ROOT}/versions"),
    ("POST", f"{ROOT}/versions/v1/promote"),
    ("POST", f"{ROOT}/versions/v1/shadow"),
    ("DELETE", f"{ROOT}/versions/v1/shadow"),
    ("POST", f"{ROOT}/canary"),
    ("POST", f"{ROOT}/rollback"),
    ("GET", f"{ROOT}/certificate"),
    ("POST", f"{ROOT}/certify"),
    ("GET", f"{ROOT}/audit"),
    ("GET", f"{ROOT}/datasets"),
    ("GET", f"{ROOT}/datasets/x/download"),
    ("GET", f"{ROOT}/datasets/x/diff?against=y"),
    ("GET", f"{ROOT}/decisions"),
    ("GET", f"{ROOT}/decisions/days"),
    ("GET", "/v1/decisions/days?project=toys"),
    ("GET", f"{ROOT}/versions/v1/confusion"),
    ("GET", f"{ROOT}/reliability"),
    ("GET", f"{ROOT}/what-if"),
]


async def test_every_route_wants_an_operator_of_the_project(
    common: CommonSettings, keys: Keys, sqlite_url: str
) -> None:
    async with serve_trainer(common, keys, sqlite_url) as trainer:
        roles: list[Role] = ["caller", "reviewer", "service"]
        tokens = [(401, ""), *((403, keys.issue(role, "x")) for role in roles)]
        tokens.append((403, keys.issue("operator", "x", projects=["another"])))
        for status, token in tokens:
            async with client(trainer.base, token) as stranger:
                for method, path in ROUTES:
                    response = await stranger.request(method, path, content=b"{")
                    assert response.status_code == status, (method, path, response.text)
                    assert response.headers["content-type"] == "application/problem+json"


async def test_unknown_project_and_things_are_not_found(
    common: CommonSettings, keys: Keys, postgres_url: str
) -> None:
    # PostgreSQL does not take every text: `%00` is none for it.
    async with serve_trainer(common, keys, postgres_url) as trainer:
        paths = [
            "/v1/projects/nobody/pool",
            f"{ROOT}/runs/none",
            f"{ROOT}/runs/%00",
            f"{ROOT}/versions/v7",
            f"{ROOT}/versions/%00",
            f"{ROOT}/jobs/%00",
            f"{ROOT}/relabel-plans/%00",
            f"{ROOT}/lineage/items/%00",
            f"{ROOT}/versions/%00/certificate/export",
            f"{ROOT}/datasets/none",
            f"{ROOT}/datasets/none/download",
            f"{ROOT}/datasets/none/diff?against=none",
            f"{ROOT}/datasets/%00/download",
            f"{ROOT}/datasets/none/diff?against=%00",
        ]
        for path in paths:
            response = await trainer.operator.get(path)
            assert response.status_code == 404, response.text
        for version in ("v7", "v\0"):
            unknown = {"version": version, "share": 0.1}
            response = await trainer.operator.post(f"{ROOT}/canary", json=unknown)
            assert response.status_code == 404, response.text
            response = await trainer.operator.get(f"{ROOT}/slices", params={"version": version})
            assert response.status_code == 404, response.text
        response = await trainer.operator.get(f"{ROOT}/decisions", params={"item_id": "\0"})
        assert response.status_code == 422, response.text
        for method in ("POST", "DELETE"):
            response = await trainer.operator.request(method, f"{ROOT}/versions/v7/shadow")
            assert response.status_code == 404, response.text
        response = await trainer.operator.post(f"{ROOT}/rollback")
        assert response.status_code == 409
        assert response.json()["type"].endswith("nothing-to-roll-back-to")


async def test_certification_is_asked_for_of_versions_that_are_there(
    common: CommonSettings, keys: Keys, sqlite_url: str
) -> None:
    async with serve_trainer(common, keys, sqlite_url) as trainer:
        response = await trainer.operator.post(f"{ROOT}/certify", json={"version": None})
        assert response.status_code == 409, response.text
        assert "start a run" in response.json()["detail"]
        response = await trainer.operator.post(f"{ROOT}/certify", json={"version": "v7"})
        assert response.status_code == 404, response.text


async def test_supposing_a_target_before_there_are_labels_is_a_declared_conflict(
    common: CommonSettings, keys: Keys, sqlite_url: str
) -> None:
    async with serve_trainer(common, keys, sqlite_url) as trainer:
        query = {"target_accuracy": 0.95}
        response = await trainer.operator.get(f"{ROOT}/certificate", params=query)
        assert response.status_code == 409, response.text
        document = (await trainer.operator.get("/openapi.json")).json()
        described = document["paths"]["/v1/projects/{project}/certificate"]["get"]
        assert "409" in described["responses"]


@pytest.mark.parametrize(
    ("path", "body", "pointer"),
    [
        ("pool/batches", {"size": 0}, "/size"),
        ("runs", {"recipe": "text-magic"}, "/recipe"),
        ("canary", {"share": 0.5}, "/version"),
        *further(
            ("pool/batches", {"size": 5, "strategy": "best"}, "/strategy"),
            ("pool/batches", {}, "/size"),
            ("runs", {"mode": "again"}, "/mode"),
            ("runs", {"colour": "red"}, "/colour"),
            ("canary", {"version": "v2", "share": 1.5}, "/share"),
            ("canary", {"version": "v2"}, "/share"),
        ),
    ],
)
async def test_payload_faults_are_named(
    common: CommonSettings, keys: Keys, sqlite_url: str, path: str, body: Any, pointer: str
) -> None:
    async with serve_trainer(common, keys, sqlite_url) as trainer:
        response = await trainer.operator.post(f"{ROOT}/{path}", json=body)
        assert response.status_code == 422, response.text
        assert pointer in [fault["pointer"] for fault in response.json()["errors"]]


async def test_lists_are_paged_to_their_end(
    common: CommonSettings, keys: Keys, sqlite_url: str
) -> None:
    async with serve_trainer(common, keys, sqlite_url) as trainer:
        for _ in range(5):
            run = (await trainer.operator.post(f"{ROOT}/runs", json={})).json()

            async def has_ended(run_id: str = run["run_id"]) -> bool:
                view = (await trainer.operator.get(f"{ROOT}/runs/{run_id}")).json()
                return bool(view["state"] in {"failed", "cancelled"})

            await trainer.operator.post(f"{ROOT}/runs/{run['run_id']}/cancel")
            await wait_until(has_ended)
        seen: list[str] = []
        cursor = None
        while True:
            query = {"limit": 2} | ({"after": cursor} if cursor else {})
            page = (await trainer.operator.get(f"{ROOT}/runs", params=query)).json()
            seen += [run["run_id"] for run in page["runs"]]
            cursor = page["cursor"]
            if cursor is None:
                break
        assert len(set(seen)) == len(seen) == 5
        assert seen == sorted(seen, reverse=True)
        response = await trainer.operator.get(f"{ROOT}/versions", params={"after": "%%"})
        assert response.status_code == 422
