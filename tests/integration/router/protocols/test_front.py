"""Predict in front of FastAPI answers as the documented route behind it does."""

import asyncio
from typing import Any

import orjson
import pytest

from shared.auth import Role
from tests.harness.model_publisher import SURE, UNSURE
from tests.integration.router.conftest import ServedRouter

PATH = "/v1/projects/shop/predict"
# FastAPI reads this as JSON too; the front leaves it alone.
BEHIND = "application/x+json"


async def post(
    served: ServedRouter, body: bytes, media_type: str, path: str = PATH
) -> tuple[int, Any]:
    response = await served.caller.post(path, content=body, headers={"Content-Type": media_type})
    document = response.json()
    for prediction in document.get("predictions", []):
        prediction.pop("decided_at")
    # For a body that is no object the two have other words, at the same place.
    if not body.startswith(b"{"):
        document.pop("errors", None)
    return response.status_code, document


BODIES: list[Any] = [
    {"items": [{"item_id": "a", "data": {"score": SURE}}]},
    {"items": [{"item_id": "a", "data": {"score": UNSURE}}], "review": "never"},
    {"items": [{"item_id": "a", "data": {"score": SURE}}], "review": "always"},
    {"items": [{"item_id": "a", "data": {"score": SURE}, "metadata": {"channel": "x"}}]},
    {"items": [{"item_id": "a", "data": {"score": SURE}, "metadata": {"other": "x"}}]},
    {"items": [{"item_id": "a", "data": {"score": "high"}}]},
    {"items": [{"item_id": "a", "data": {}}]},
    {"items": [{"item_id": "", "data": {"score": 1}}]},
    {"items": [{"item_id": "a\u0000", "data": {"score": 1}}]},
    {"items": [{"item_id": 5, "data": {"score": 1}}]},
    {"items": [{"item_id": "a", "data": {"score": 1}, "label": "x"}]},
    {"items": [{"item_id": "a", "data": {"score": n}} for n in (1, 2)]},
    {"items": [], "wait_seconds": 0},
    {"items": [{"data": {"score": 1}}] * 1001},
    {"items": [{"item_id": "a", "data": {"score": SURE}}], "wait_seconds": 61},
    {"items": [{"item_id": "a", "data": {"score": SURE}}], "wait_seconds": "1"},
    [],
    None,
]


async def test_both_ways_answer_alike(served: ServedRouter) -> None:
    for body in BODIES:
        encoded = orjson.dumps(body)
        in_front = await post(served, encoded, "application/json; charset=utf-8")
        assert in_front == await post(served, encoded, BEHIND), body


async def test_both_ways_refuse_alike_what_is_no_json(served: ServedRouter) -> None:
    for body in (b"", b"{", b"\xff", b'{"items":[{"data":{"score":NaN}}]}'):
        in_front = await post(served, body, "application/json")
        assert in_front == await post(served, body, BEHIND), body


async def test_both_ways_refuse_alike_who_may_not(served: ServedRouter) -> None:
    body = orjson.dumps({"items": [{"item_id": "a", "data": {"score": SURE}}]})
    refused: list[tuple[Role, list[str] | None, str]] = [
        ("reviewer", None, PATH),
        ("caller", ["other"], PATH),
        ("caller", None, "/v1/projects/none/predict"),
    ]
    for role, projects, path in refused:
        token = served.keys.issue(role, "anna", projects=projects)
        served.caller.headers["Authorization"] = f"Bearer {token}"
        in_front = await post(served, body, "application/json", path)
        assert in_front == await post(served, body, BEHIND, path)
        assert in_front[0] in (403, 404)


async def test_concurrent_calls_each_get_their_own_answer(served: ServedRouter) -> None:
    scores = [(-1) ** n * (SURE + n / 50) for n in range(100)]
    answers = await asyncio.gather(*(served.one(score, f"i{n}") for n, score in enumerate(scores)))
    for n, (score, answer) in enumerate(zip(scores, answers, strict=True)):
        assert answer["item_id"] == f"i{n}"
        assert answer["label"] == ("positive" if score > 0 else "negative")
    confidences = [answer["confidence"] for answer in answers]
    assert confidences == sorted(confidences)


async def test_a_body_in_pieces_is_one_body(served: ServedRouter) -> None:
    async def pieces() -> Any:
        for piece in (b'{"items":[{"item_id":"a",', b'"data":{"score":5.0}}', b"]}"):
            yield piece
            await asyncio.sleep(0)

    response = await served.caller.post(
        PATH, content=pieces(), headers={"Content-Type": "application/json"}
    )
    assert response.json()["predictions"][0]["decision"] == "answered"


@pytest.mark.parametrize("media_type", ["application/json", BEHIND])
async def test_of_two_tokens_the_first_one_counts(served: ServedRouter, media_type: str) -> None:
    body = orjson.dumps({"items": [{"item_id": "a", "data": {"score": SURE}}]})
    mine = served.caller.headers.pop("Authorization")
    other = f"Bearer {served.keys.issue('reviewer', 'anna')}"
    for first, second, status in ((mine, other, 200), (other, mine, 403)):
        headers = [("Content-Type", media_type)]
        headers += [("Authorization", token) for token in (first, second)]
        response = await served.caller.post(PATH, content=body, headers=headers)
        assert response.status_code == status
