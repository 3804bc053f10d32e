"""A project with gold, and what is asked of it over HTTP."""

from typing import Any

from tests.harness.desk import Desk, Json, body_of, entry

# The prediction of an item whose known label is "positive", by what the model had said of it.
SAID: dict[str, Json | None] = {
    "right": {"label": "positive", "confidence": 0.8, "model_version": "v1"},
    "wrong": {"label": "negative", "confidence": 0.7, "model_version": "v1"},
    "none": None,
}


def known(item_id: str, said: str = "none", **parts: Any) -> Json:
    """An entry of `POST …/gold`, whose label is "positive"."""
    return {**entry(item_id), "prediction": SAID[said], "label": "positive", **parts}


async def add_gold(desk: Desk, *entries: Json) -> list[Json]:
    """Add gold; return the receipts."""
    answer = await desk.operator.post(desk.path("gold"), json={"items": list(entries)})
    return list(body_of(answer)["items"])


async def gold(desk: Desk) -> dict[str, Json]:
    """All gold tasks by item."""
    listed = body_of(await desk.operator.get(desk.path("gold")))
    assert listed["cursor"] is None
    return {one["item_id"]: one for one in listed["gold"]}


async def report(desk: Desk, name: str) -> Json:
    """What the operator sees of a reviewer."""
    listed = body_of(await desk.operator.get(desk.path("reviewers")))
    (one,) = [one for one in listed["reviewers"] if one["reviewer"] == name]
    return dict(one)


async def feed(desk: Desk) -> list[tuple[str, int, str | None]]:
    rows = (await desk.outcomes())["outcomes"]
    return [(row["item_id"], row["revision"], row["label"]) for row in rows]
