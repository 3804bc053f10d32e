import itertools
from typing import Any

import httpx
import pytest

from shared.auth import Role
from tests.harness.desk import PROJECT, Desk, Json, body_of, entry, problem_of

pytestmark = pytest.mark.any_database

TASK = "00000000-0000-0000-0000-000000000000"
TOKEN = "A" * 43
VERDICT = {"label": "positive"}
ROUTES: list[tuple[str, str, Json | None, set[Role]]] = [
    ("PUT", "/v1/projects/shop", PROJECT, {"operator"}),
    ("GET", "/v1/projects", None, {"operator", "caller", "reviewer", "service"}),
    ("GET", "/v1/projects/shop", None, {"operator", "caller", "reviewer", "service"}),
    ("POST", "/v1/projects/shop/tasks", {"tasks": [entry("a")]}, {"operator", "service"}),
    ("GET", "/v1/projects/shop/tasks", None, {"operator", "service"}),
    ("GET", f"/v1/projects/shop/tasks/{TASK}", None, {"operator", "service"}),
    ("POST", f"/v1/projects/shop/tasks/{TASK}/reopen", None, {"operator"}),
    ("POST", f"/v1/projects/shop/tasks/{TASK}/verdicts", VERDICT, {"operator", "service"}),
    ("GET", "/v1/projects/shop/queue", None, {"operator", "service"}),
    ("POST", "/v1/projects/shop/leases", {}, {"operator", "reviewer"}),
    ("POST", f"/v1/leases/{TOKEN}/verdict", VERDICT, {"operator", "reviewer"}),
    ("POST", f"/v1/leases/{TOKEN}/skip", {}, {"operator", "reviewer"}),
    ("POST", f"/v1/leases/{TOKEN}/renew", None, {"operator", "reviewer"}),
    ("POST", f"/v1/leases/{TOKEN}/release", None, {"operator", "reviewer"}),
    ("POST", f"/v1/leases/{TOKEN}/undo", None, {"operator", "reviewer"}),
    ("GET", "/v1/projects/shop/outcomes", None, {"operator", "service", "caller"}),
    (
        "POST",
        "/v1/projects/shop/outcomes",
        {"item_ids": ["a"]},
        {"operator", "service", "caller"},
    ),
    ("GET", "/v1/projects/shop/outcomes/a", None, {"operator", "service", "caller"}),
    ("GET", "/v1/projects/shop/gold", None, {"operator"}),
    ("POST", "/v1/projects/shop/gold", {"items": [{}]}, {"operator"}),
    ("PUT", f"/v1/projects/shop/tasks/{TASK}/gold", {"label": "positive"}, {"operator"}),
    ("DELETE", f"/v1/projects/shop/tasks/{TASK}/gold", None, {"operator"}),
    ("POST", "/v1/projects/shop/reviewers/anna/pause", {"reason": "x"}, {"operator"}),
    ("POST", "/v1/projects/shop/reviewers/anna/resume", None, {"operator"}),
    ("POST", "/v1/projects/shop/links", {"subject": "anna"}, {"operator"}),
    ("GET", "/v1/projects/shop/links", None, {"operator"}),
    ("POST", "/v1/projects/shop/links/revoke", {"subject": "anna"}, {"operator"}),
    ("POST", "/v1/links", {"subject": "anna"}, {"operator"}),
    ("GET", "/v1/links", None, {"operator"}),
    ("GET", "/v1/overview", None, {"operator"}),
    ("POST", "/v1/links/revoke", {"subject": "anna"}, {"operator"}),
    ("POST", "/v1/links/renew", None, {"operator", "reviewer"}),
    ("GET", "/v1/projects/shop/webhooks", None, {"operator"}),
    ("POST", f"/v1/projects/shop/webhooks/{TASK}/enable", None, {"operator"}),
    ("POST", f"/v1/projects/shop/webhooks/{TASK}/test", None, {"operator"}),
]
# People come there to get one.
WITHOUT_TOKEN = {"/v1/links/inspect", "/v1/links/redeem", "/v1/links/request"}
ROLES: tuple[Role, ...] = ("caller", "reviewer", "operator", "service")


@pytest.fixture(autouse=True)
async def project(desk: Desk) -> None:
    await desk.put_project()


def routes_of(desk: Desk) -> list[tuple[str, str, Json | None, set[Role]]]:
    """The routes, of the test's own project."""
    return [
        (method, path.replace("shop", desk.project), payload, allowed)
        for method, path, payload, allowed in ROUTES
    ]


async def test_every_route_is_for_its_roles_only(desk: Desk) -> None:
    for method, path, payload, allowed in routes_of(desk):
        for role in ROLES:
            answer = await desk.of(role).request(method, path, json=payload)
            assert (answer.status_code != 403) == (role in allowed), (method, path, role)
            if role not in allowed:
                assert problem_of(answer, 403, "forbidden")["role"] == role


async def test_every_route_needs_a_token_and_checks_it_before_the_body(desk: Desk) -> None:
    async with httpx.AsyncClient(base_url=desk.base_url, trust_env=False) as anybody:
        for method, path, _, _ in routes_of(desk):
            answer = await anybody.request(method, path, content=b"{")
            problem_of(answer, 401, "unauthorized")
            assert answer.headers["www-authenticate"].startswith("Bearer")


async def test_token_of_another_project_is_refused(desk: Desk) -> None:
    await desk.put_project(desk.named("other"))
    await desk.post(entry("a"))
    for method, path, payload, allowed in routes_of(desk):
        if "/projects/" not in path:
            continue
        role: Role = "reviewer" if "reviewer" in allowed else "operator"
        answer = await desk.of(role, "elsewhere", desk.named("other")).request(
            method, path, json=payload
        )
        assert problem_of(answer, 403, "forbidden")["project"] == desk.project


async def test_lease_token_does_not_open_another_project(desk: Desk) -> None:
    await desk.put_project(desk.named("other"))
    await desk.post(entry("a"))
    lease = await desk.lease_one("r1")
    # The same person, with a token for another project only.
    narrow = desk.of("reviewer", "r1", desk.named("other"))
    for what, payload in (
        ("verdict", VERDICT),
        ("skip", {}),
        ("renew", None),
        ("release", None),
        ("undo", None),
    ):
        answer = await narrow.post(f"/v1/leases/{lease['token']}/{what}", json=payload)
        assert problem_of(answer, 403, "forbidden")["project"] == desk.project


async def test_unknown_project_is_not_found(desk: Desk) -> None:
    names = ("nowhere", "Bad_Name", "a%00b")
    for (method, path, payload, _), project_name in itertools.product(routes_of(desk), names):
        if "/projects/" not in path or (method, path) == ("PUT", desk.path()):
            continue
        answer = await desk.operator.request(
            method, path.replace(desk.project, project_name), json=_whole(path, payload)
        )
        problem_of(answer, 404, "not-found")


def _whole(path: str, payload: Json | None) -> Json | None:
    return {"reviewer": "anna", **VERDICT} if path.endswith("/verdicts") else payload


async def test_unknown_task_and_item_are_not_found(desk: Desk) -> None:
    for name in (TASK, "nonsense", "a%00b"):
        problem_of(await desk.operator.get(desk.path(f"tasks/{name}")), 404, "not-found")
    missing = await desk.operator.get(desk.path("outcomes/nobody"))
    assert problem_of(missing, 404, "not-found")["item_id"] == "nobody"
    problem_of(await desk.operator.get(desk.path("outcomes/a%00b")), 404, "not-found")


BAD_BATCHES: list[tuple[bytes, int, str, str | None]] = [
    (b"{", 400, "not-json", None),
    (b"", 400, "not-json", None),
    (b"[" * 1100 + b"]" * 1100, 422, "unprocessable", ""),
    (b"[" * 129 + b"]" * 129, 422, "unprocessable", "/0" * 128),
    (b"[]", 422, "unprocessable", ""),
    (b"{}", 422, "unprocessable", "/tasks"),
    (b'{"tasks":[]}', 422, "unprocessable", "/tasks"),
    (b'{"tasks":[7]}', 422, "unprocessable", "/tasks/0"),
    (b'{"tasks":[{}],"more":1}', 422, "unprocessable", "/more"),
    (b'{"tasks":[{"data":{"n":NaN}}]}', 422, "unprocessable", "/tasks/0/data/n"),
    (b'{"tasks":[{"data":{"t":"\\ud800"}}]}', 422, "unprocessable", "/tasks/0/data/t"),
]


async def test_bad_batch_is_refused_whole(desk: Desk) -> None:
    for content, status, kind, pointer in BAD_BATCHES:
        answer = await desk.service.post(
            desk.path("tasks"), content=content, headers={"content-type": "application/json"}
        )
        problem = problem_of(answer, status, kind)
        if pointer is not None:
            assert problem["errors"][0]["pointer"] == pointer
        assert await desk.lease("r1") == []


async def test_body_of_nine_mebibytes_is_too_large(desk: Desk) -> None:
    payload = {"tasks": [entry("a", data={"text": "x" * (9 * 2**20)})]}
    answer = await desk.service.post(desk.path("tasks"), json=payload)
    assert problem_of(answer, 413, "body-too-large")["limit_bytes"] == 8 * 2**20


@pytest.mark.sql
async def test_nul_and_over_long_text_are_rejected_entry_by_entry(desk: Desk) -> None:
    receipts = await desk.post(
        entry("nul", data={"text": "a\x00b"}),
        entry("long", data={"text": "x" * 101}),
        entry("nul\x00id"),
        entry("nul-metadata", metadata={"channel": "a\x00"}),
        entry("good"),
    )
    assert [receipt["status"] for receipt in receipts] == ["rejected"] * 4 + ["created"]


async def test_data_that_nests_too_deep_is_rejected_and_harms_no_other_task(desk: Desk) -> None:
    await desk.put_project(fields={"page": {"type": "json"}})
    deep: Any = []
    for _ in range(110):
        deep = [deep]
    (rejected, fine) = await desk.post(
        entry("deep", data={"page": deep}), entry("fine", data={"page": {"a": [[[]]]}})
    )
    assert (rejected["status"], fine["status"]) == ("rejected", "created")
    assert len(await desk.lease("r1", 9)) == 1


async def test_no_route_takes_json_that_nests_too_deep(desk: Desk) -> None:
    await desk.put_project()
    deep = b'{"items":[{"item_id":"a","data":{"text":%b%b}}]}' % (b"[" * 1000, b"]" * 1000)
    taking = {(method, path) for method, path, payload, _ in routes_of(desk) if payload is not None}
    for method, path in sorted(taking | {("POST", desk.path("gold"))}):
        answer = await desk.operator.request(
            method, path, content=deep, headers={"content-type": "application/json"}
        )
        (fault,) = problem_of(answer, 422, "unprocessable")["errors"]
        assert fault["pointer"].startswith("/items/0/data/text/0")


async def test_deep_json_with_a_fault_is_refused(desk: Desk) -> None:
    answer = await desk.service.post(
        desk.path("tasks"),
        content=b'{"tasks":' + b"[" * 900 + b"NaN" + b"]" * 900 + b"}",
        headers={"content-type": "application/json"},
    )
    assert answer.status_code in {400, 422}, answer.text


BAD_LEASE_REQUESTS: list[tuple[Json, str]] = [
    ({"count": 0}, "/count"),
    ({"count": 101}, "/count"),
    ({"count": "1"}, "/count"),
    ({"wait_seconds": 61}, "/wait_seconds"),
    ({"lane": "audit"}, "/lane"),
]


async def test_bad_lease_request_is_refused(desk: Desk) -> None:
    for payload, pointer in BAD_LEASE_REQUESTS:
        answer = await desk.reviewer("r1").post(desk.path("leases"), json=payload)
        (fault,) = problem_of(answer, 422, "unprocessable")["errors"]
        assert fault["pointer"] == pointer


BAD_VERDICTS: list[tuple[Json, str]] = [
    ({}, "/label"),
    ({"label": "neutral"}, "/label"),
    ({"label": 1}, "/label"),
    ({"label": "positive", "active_seconds": -1}, "/active_seconds"),
    ({"label": "positive", "comment": "x" * 10_001}, "/comment"),
    ({"label": "positive", "comment": "a\x00"}, "/comment"),
    ({"label": "positive", "sure": True}, "/sure"),
]


async def test_bad_verdict_is_refused_and_the_lease_still_holds(desk: Desk) -> None:
    await desk.post(entry("a"))
    lease = await desk.lease_one("r1")
    for payload, pointer in BAD_VERDICTS:
        answer = await desk.use("r1", lease["token"], "verdict", payload)
        assert problem_of(answer, 422, "unprocessable")["errors"][0]["pointer"] == pointer
    assert (await desk.verdict("r1", lease["token"], "positive"))["state"] == "resolved"


BAD_QUERIES: list[tuple[str, dict[str, str | int], str]] = [
    ("tasks", {"state": "lost"}, "/query/state"),
    ("tasks", {"lane": "express"}, "/query/lane"),
    ("tasks", {"limit": 1001}, "/query/limit"),
    ("tasks", {"older_than_seconds": "NaN"}, "/query/older_than_seconds"),
    ("tasks", {"reviewer": "a\x00"}, "/query/reviewer"),
    ("tasks", {"label": "a\x00"}, "/query/label"),
    ("tasks", {"after": "!"}, "/query/after"),
    ("tasks", {"after": "MTI"}, "/query/after"),
    ("outcomes", {"after": "x"}, "/query/after"),
    ("outcomes", {"limit": 0}, "/query/limit"),
    ("outcomes", {"wait_seconds": 61}, "/query/wait_seconds"),
    ("outcomes", {"wait_seconds": "NaN"}, "/query/wait_seconds"),
    ("outcomes", {"tail": "perhaps"}, "/query/tail"),
    ("outcomes", {"brief": "perhaps"}, "/query/brief"),
    ("outcomes/a", {"wait_seconds": -1}, "/query/wait_seconds"),
]


async def test_bad_query_is_refused(desk: Desk) -> None:
    for path, params, pointer in BAD_QUERIES:
        answer = await desk.operator.get(desk.path(path), params=params)
        assert problem_of(answer, 422, "unprocessable")["errors"][0]["pointer"] == pointer


BAD_LOOKUPS: list[tuple[Json, str]] = [
    ({}, "/item_ids"),
    ({"item_ids": []}, "/item_ids"),
    ({"item_ids": ["a"] * 1001}, "/item_ids"),
    ({"item_ids": ["a", "b\x00"]}, "/item_ids/1"),
    ({"item_ids": ["a"], "wait_seconds": 1}, "/wait_seconds"),
]


async def test_bad_lookup_is_refused(desk: Desk) -> None:
    for payload, pointer in BAD_LOOKUPS:
        answer = await desk.service.post(desk.path("outcomes"), json=payload)
        assert problem_of(answer, 422, "unprocessable")["errors"][0]["pointer"] == pointer


BAD_PROJECTS: list[tuple[Json, str]] = [
    ({"labels": ["one"]}, "/labels"),
    ({"labels": ["a", "a"]}, "/labels"),
    ({"fields": {}}, "/fields"),
    ({"fields": {"text": {"type": "tekst"}}}, "/fields/text/type"),
    ({"review": {"overlap": 0}}, "/review/overlap"),
    ({"promise": {"target_accuracy": 1.0}}, "/promise/target_accuracy"),
    ({"training": {"min_new_labels": 0}}, "/training/min_new_labels"),
    ({"webhooks": [{"url": "https://example.org"}]}, "/webhooks/0/secret_ref"),
    ({"title": "a\x00"}, "/title"),
    ({"colour": "red"}, "/colour"),
    (
        {"promise": {"target_accuracy": 0.99, "certification_labels": 320}},
        "/promise/certification_labels",
    ),
    ({"promise": {"target_accuracy": 0.999}}, "/promise/certification_labels"),
]


async def test_bad_project_is_refused_and_the_old_one_stays(desk: Desk) -> None:
    for changes, pointer in BAD_PROJECTS:
        answer = await desk.operator.put(desk.path(), json=PROJECT | changes)
        assert problem_of(answer, 422, "unprocessable")["errors"][0]["pointer"] == pointer
        assert body_of(await desk.operator.get(desk.path()))["revision"] == 1


async def test_a_promise_that_its_labels_cannot_prove_is_refused_with_the_number(
    desk: Desk,
) -> None:
    promise: Json = {"target_accuracy": 0.99, "confidence": 0.95, "certification_labels": 320}
    answer = await desk.operator.put(desk.path(), json=PROJECT | {"promise": promise})
    (fault,) = problem_of(answer, 422, "unprocessable")["errors"]
    assert fault["pointer"] == "/promise/certification_labels"
    assert "must be at least 321:" in fault["detail"]
    patch = await desk.operator.patch(desk.path(), json={"promise": promise})
    assert problem_of(patch, 422, "unprocessable")["errors"] == [fault]
    promise["certification_labels"] = 321
    body_of(await desk.operator.patch(desk.path(), json={"promise": promise}))


async def test_openapi_declares_every_problem_that_a_route_gives(desk: Desk) -> None:
    document = body_of(await desk.operator.get("/openapi.json"))
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            if not path.startswith("/v1") or path in WITHOUT_TOKEN:
                continue
            declared = set(operation["responses"])
            assert {"401", "403"} <= declared, (method, path)
            if "{project}" in path and method != "put":
                assert "404" in declared, (method, path)
            # An import says of each row by itself that it cannot be read.
            if "requestBody" in operation and not path.endswith("/import"):
                assert {"400", "413", "422"} <= declared, (method, path)
            if "{token}" in path:
                assert {"404", "409"} <= declared, (method, path)
