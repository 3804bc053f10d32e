"""Bad input: every fault is named at its place, and nothing is half-done."""

import asyncio
from typing import Any

import httpx
import pytest

from shared.fields.category import CategoryField
from shared.fields.image import ImageField
from shared.fields.json import JsonField
from shared.fields.text import TextField
from shared.fields.vector import VectorField
from tests.harness import client
from tests.harness.model_publisher import SURE, UNSURE, Publisher, project_of
from tests.integration.router.conftest import OpenRouter, ServedRouter
from tests.pictures import encoded

PREDICT = "/v1/projects/shop/predict"
GOOD: dict[str, Any] = {"item_id": "good", "data": {"score": UNSURE}}


def pointers(response: httpx.Response) -> list[str]:
    assert response.headers["content-type"] == "application/problem+json"
    assert response.status_code == 422, response.text
    return [error["pointer"] for error in response.json()["errors"]]


FAULTY_ITEMS: list[tuple[Any, str]] = [
    ({"data": {}}, "/items/1/data/score"),
    ({"data": {"score": 1, "extra": 1}}, "/items/1/data/extra"),
    ({"data": {"score": "1"}}, "/items/1/data/score"),
    ({"data": {"score": True}}, "/items/1/data/score"),
    ({"data": {"score": None}}, "/items/1/data/score"),
    ({"data": {"score": [1]}}, "/items/1/data/score"),
    ({"data": {"score": 1, "a/b~c": 1}}, "/items/1/data/a~1b~0c"),
    ({"data": {"score": 1}, "metadata": {"shoe": "x"}}, "/items/1/metadata/shoe"),
    ({"data": {"score": 1}, "metadata": {"channel": 1}}, "/items/1/metadata/channel"),
    ({"data": {"score": 1}, "metadata": {"channel": "\x00"}}, "/items/1/metadata/channel"),
    ({"data": {"score": 1}, "colour": "red"}, "/items/1/colour"),
    ({"item_id": "b"}, "/items/1/data"),
    ({"item_id": "", "data": {"score": 1}}, "/items/1/item_id"),
    ({"item_id": "x" * 201, "data": {"score": 1}}, "/items/1/item_id"),
    ({"item_id": "a\nb", "data": {"score": 1}}, "/items/1/item_id"),
    ({"item_id": 7, "data": {"score": 1}}, "/items/1/item_id"),
    ({"item_id": "good", "data": {"score": 1}}, "/items/1/item_id"),
    ([], "/items/1"),
]


async def test_a_faulty_item_is_named_and_its_neighbours_are_not_queued(
    served: ServedRouter,
) -> None:
    found = [pointers(await served.predict(GOOD, item)) for item, _ in FAULTY_ITEMS]
    assert found == [[pointer] for _, pointer in FAULTY_ITEMS]
    assert served.queue.item_ids == []


FAULTY_DATA: list[tuple[dict[str, Any], str]] = [
    ({"text": 1}, "/items/0/data/text"),
    ({"text": "123456"}, "/items/0/data/text"),
    ({"text": "a\x00b"}, "/items/0/data/text"),
    ({"kind": "c"}, "/items/0/data/kind"),
    ({"vector": [1]}, "/items/0/data/vector"),
    ({"vector": [1, "2"]}, "/items/0/data/vector"),
    ({"photo": "not base64!"}, "/items/0/data/photo"),
    ({"extra": {"deep": ["\x00"]}}, "/items/0/data/extra"),
    ({"extra": {"nul\x00": 1}}, "/items/0/data/extra"),
]


async def test_every_field_type_is_checked(
    open_router: OpenRouter, publisher: Publisher, queue_url: str
) -> None:
    good = {
        "text": "12345",
        "kind": "a",
        "vector": [1, 2.5],
        "photo": encoded(),
        "extra": {"a": [1]},
    }
    await publisher.put_project(
        project_of(
            fields={
                "text": TextField(max_length=5),
                "kind": CategoryField(values=["a", "b"]),
                "vector": VectorField(length=2),
                "photo": ImageField(),
                "extra": JsonField(),
            }
        )
    )
    async with open_router(queue_url) as served:
        calls = [served.predict({"data": {**good, **data}}) for data, _ in FAULTY_DATA]
        assert [pointers(await call) for call in calls] == [[at] for _, at in FAULTY_DATA]
        assert (await served.predict({"data": good})).status_code == 200


def nested(depth: int) -> bytes:
    return b"[" * depth + b"]" * depth


async def test_json_nested_too_deeply_is_refused(
    open_router: OpenRouter, publisher: Publisher, queue_url: str
) -> None:
    await publisher.put_project(project_of(fields={"extra": JsonField()}))
    async with open_router(queue_url) as served:
        statuses = []
        for depth in (50, 200, 900, 5000, 200_000):
            response = await raw(served, b'{"items":[{"data":{"extra":' + nested(depth) + b"}}]}")
            statuses.append(response.status_code)
        assert statuses == [200, 422, 422, 422, 422]


async def raw(served: ServedRouter, body: bytes, **headers: str) -> httpx.Response:
    given = {"Content-Type": "application/json", **headers}
    return await served.caller.post(PREDICT, content=body, headers=given)


FAULTY_BODIES = [
    (b'{"items":[{"data":{"score":NaN}}]}', "/items/0/data/score"),
    (b'{"items":[{"data":{"score":-Infinity}}]}', "/items/0/data/score"),
    (b'{"items":[{"data":{"score":1e999}}]}', "/items/0/data/score"),
    (b'{"items":[{"item_id":"\\ud800","data":{"score":1}}]}', "/items/0/item_id"),
    (b'{"items":[{"data":{"score":1}}],"wait_seconds":NaN}', "/wait_seconds"),
    (b'{"items":[{"data":{"score":1}}],"wait_seconds":61}', "/wait_seconds"),
    (b'{"items":[{"data":{"score":1}}],"wait_seconds":-1}', "/wait_seconds"),
    (b'{"items":[{"data":{"score":1}}],"review":"maybe"}', "/review"),
    (b'{"items":[{"data":{"score":1}}],"colour":1}', "/colour"),
    (b'{"items":[]}', "/items"),
    (b'{"items":{}}', "/items"),
    (b"{}", "/items"),
    (b"[]", ""),
]


async def test_a_faulty_body_is_named_at_its_place(served: ServedRouter) -> None:
    found = [pointers(await raw(served, body)) for body, _ in FAULTY_BODIES]
    assert found == [[pointer] for _, pointer in FAULTY_BODIES]


async def test_what_is_not_json_is_400(served: ServedRouter) -> None:
    bodies = [b"", b"{", b"\xff\xfe", b'{"items":[}', b"nonsense"]
    statuses = [(await raw(served, body)).status_code for body in bodies]
    assert statuses == [400] * 5
    assert served.queue.item_ids == []


async def test_1001_items_are_too_many(served: ServedRouter) -> None:
    items = [{"item_id": str(n), "data": {"score": UNSURE}} for n in range(1001)]
    assert pointers(await served.predict(*items)) == ["/items"]
    assert served.queue.item_ids == []


@pytest.mark.parametrize("chunked", [False, True])
async def test_a_body_of_9_mib_gets_its_413(served: ServedRouter, chunked: bool) -> None:
    size, step = 9 * 1024 * 1024, 64 * 1024

    async def chunks() -> Any:
        for _ in range(size // step):
            yield b" " * step

    response = await served.caller.post(
        PREDICT,
        content=chunks() if chunked else b" " * size,
        headers={"Content-Type": "application/json"},
    )
    assert response.status_code == 413
    assert response.json()["limit_bytes"] == 8 * 1024 * 1024
    assert (await served.one(SURE))["decision"] == "answered"


async def test_an_unknown_project_is_404(served: ServedRouter) -> None:
    for name in ("nowhere", "Shop", "shop.x", "%2E%2E", "x" * 64):
        for path in ("predict", "items/a/outcome", "model"):
            body = {"items": [GOOD]} if path == "predict" else None
            url = f"/v1/projects/{name}/{path}"
            response = await served.caller.request("POST" if body else "GET", url, json=body)
            assert response.status_code == 404, url
            assert response.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize("path", ["predict", "items/a/outcome", "model"])
async def test_every_route_asks_for_a_callers_token(served: ServedRouter, path: str) -> None:
    base = str(served.caller.base_url)
    statuses = {
        None: 401,
        "nonsense": 401,
        served.keys.issue("caller", "late", hours=-1): 401,
        served.keys.issue("reviewer", "r"): 403,
        served.keys.issue("service", "s"): 403,
        served.keys.issue("caller", "c", projects=["other"]): 403,
        served.keys.issue("caller", "c", projects=["shop"]): 200,
        served.keys.issue("operator", "o"): 200,
    }
    known = {"status": "in_review", "label": None, "source": None, "revision": 0}
    served.queue.outcomes["a"] = {"item_id": "a", "task_id": "t", "resolved_at": None, **known}
    for token, status in statuses.items():
        async with client(base, token) as someone:
            url = f"/v1/projects/shop/{path}"
            body = {"items": [GOOD]} if path == "predict" else None
            response = await someone.request("POST" if body else "GET", url, json=body)
            assert response.status_code == status, token


async def test_without_a_token_the_body_is_not_even_parsed(served: ServedRouter) -> None:
    async with client(str(served.caller.base_url)) as stranger:
        response = await stranger.post(PREDICT, content=b"{")
        assert response.status_code == 401
        assert response.headers["www-authenticate"].startswith("Bearer")


async def test_an_outcome_of_what_is_no_item_id_is_422(served: ServedRouter) -> None:
    for item_id in ("x" * 201, "a%09b", "a%0Ab", "%0A"):
        response = await served.caller.get(f"/v1/projects/shop/items/{item_id}/outcome")
        assert pointers(response) == ["/path/item_id"]


async def test_an_outcome_waits_for_a_bounded_time(served: ServedRouter) -> None:
    for seconds in ("61", "-1", "nan", "soon"):
        path = f"/v1/projects/shop/items/a/outcome?wait_seconds={seconds}"
        assert pointers(await served.caller.get(path)) == ["/query/wait_seconds"]


async def test_a_storm_of_bad_calls_leaves_the_good_ones_alone(served: ServedRouter) -> None:
    bad = {"item_id": "bad", "data": {"score": "x"}}
    calls = [served.predict(bad if n % 2 else {"data": {"score": SURE}}) for n in range(40)]
    statuses = [response.status_code for response in await asyncio.gather(*calls)]
    assert statuses == [200, 422] * 20
