"""Random projects go out and come in again, in each format, on each database."""

import asyncio
import itertools
from datetime import datetime
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.harness.desk import Desk, Json
from tests.integration.review_queue.exchange.files import (
    MEDIA_TYPES,
    export,
    lines,
    records_of,
    take_in,
)

pytestmark = pytest.mark.own_desk

FIELDS: Json = {
    "text": {"type": "text"},
    "score": {"type": "number"},
    "kind": {"type": "category", "values": ["=a", "b"]},
    "photo": {"type": "image"},
    "place": {"type": "vector", "length": 2},
    "more": {"type": "json"},
}
LABELS = ["negative", "positive", "=2"]
SOURCES = ["human", "consensus", "adjudicator"]
LANES = ["mandatory", "audit", "certification", "optional", "pool", "gold", "relabel"]

NAMES = st.text(
    st.characters(exclude_categories=["Cc", "Cs"]) | st.sampled_from("'=@-"), min_size=1, max_size=8
)
TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), max_size=12)
NUMBERS = st.integers(-(2**53), 2**53) | st.floats(allow_nan=False, allow_infinity=False)
JSON = st.recursive(
    st.none() | st.booleans() | NUMBERS | TEXT,
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(TEXT, inner, max_size=2),
    max_leaves=4,
)
MOMENTS = st.datetimes(
    min_value=datetime(1990, 1, 1),  # noqa: DTZ001 - Hypothesis wants them so
    max_value=datetime(2100, 1, 1),  # noqa: DTZ001
).map(lambda moment: moment.isoformat() + "Z")
DATA = st.fixed_dictionaries(
    {
        "text": TEXT,
        "score": NUMBERS,
        "kind": st.sampled_from(["=a", "b"]),
        "photo": st.sampled_from(["iVBORw0KGgo=", "https://pictures.invalid/1.png"]),
        "place": st.lists(NUMBERS, min_size=2, max_size=2),
        "more": JSON,
    }
)
PROBABILITIES = st.floats(0, 1)
PREDICTIONS = st.none() | st.fixed_dictionaries(
    {
        "label": st.none() | st.sampled_from(LABELS),
        "confidence": st.none() | PROBABILITIES,
        "probabilities": st.none() | st.dictionaries(st.sampled_from(LABELS), PROBABILITIES),
        "model_version": st.none() | st.just("v3"),
        "propensity": st.none() | PROBABILITIES,
        "reason": st.none() | TEXT,
        "policy_revision": st.none() | st.integers(0, 9),
        "received_at": st.none(),
        "decided_at": st.none() | st.just("2026-11-24T05:59:59.250Z"),
    }
)


@st.composite
def verdicts(draw: st.DrawFn) -> Json:
    skipped = draw(st.booleans())
    return {
        "reviewer": draw(NAMES | st.sampled_from(["anna@shop", "label-studio-user-7"])),
        "label": None if skipped else draw(st.sampled_from(LABELS)),
        "skipped": skipped,
        "comment": draw(st.none() | TEXT),
        "active_seconds": draw(st.none() | st.floats(0, 86_400)),
        "blind": draw(st.booleans()),
        "instructions_revision": draw(st.none() | st.integers(1, 9)),
        "given_at": draw(MOMENTS),
    }


@st.composite
def records(draw: st.DrawFn) -> Json:
    resolved = draw(st.booleans())
    lane = draw(st.sampled_from(LANES))
    label = draw(st.none() | st.sampled_from(LABELS)) if resolved else None
    # Only what has no label may have expired.
    sources = SOURCES if label is not None else [*SOURCES, "expiry"]
    return {
        "item_id": draw(NAMES),
        "data": draw(DATA),
        "metadata": draw(st.dictionaries(st.sampled_from(["channel", "data"]), TEXT)),
        "lane": lane,
        # An optional task that is past it would be closed.
        "due_at": draw(_due_dates(lane)),
        "prediction": draw(PREDICTIONS),
        "state": "resolved" if resolved else "open",
        "adjudication": not resolved and draw(st.booleans()),
        "label": label,
        "source": draw(st.sampled_from(sources)) if resolved else None,
        "revision": draw(st.integers(int(resolved), 5)),
        "created_at": draw(MOMENTS),
        "resolved_at": draw(MOMENTS) if resolved else None,
        "verdicts": draw(st.lists(verdicts(), max_size=3, unique_by=_vote)),
    }


def _vote(verdict: Json) -> tuple[str, str | None]:
    """A reviewer labels a task once, and may skip it again and again."""
    return verdict["reviewer"], verdict["given_at"] if verdict["skipped"] else None


def _due_dates(lane: str) -> st.SearchStrategy[str | None]:
    if lane == "optional":
        return st.none() | st.just("2100-01-01T00:00:00Z")
    return MOMENTS if lane == "mandatory" else st.none() | MOMENTS


PROJECTS = st.lists(records(), min_size=1, max_size=4, unique_by=lambda record: record["item_id"])


def by_item(found: list[Json]) -> dict[str, Any]:
    return {record["item_id"]: record for record in found}


async def put(desk: Desk, name: str) -> str:
    await desk.put_project(name, fields=FIELDS, labels=LABELS, metadata=["channel", "data"])
    return name


@pytest.mark.thorough
async def test_nothing_is_lost_on_the_way_out_and_in(desk: Desk) -> None:
    loop, numbers = asyncio.get_running_loop(), itertools.count()

    @settings(max_examples=4, deadline=None, suppress_health_check=list(HealthCheck))
    @given(project=PROJECTS)
    def comes_back(project: list[Json]) -> None:
        asyncio.run_coroutine_threadsafe(round_trip(project), loop).result()

    async def round_trip(project: list[Json]) -> None:
        count = next(numbers)
        first = await put(desk, f"first-{count}")
        await take_in(desk, lines(*project), project=first)
        before = await records_of(desk, first)
        assert by_item(before) == by_item(project)
        for form in MEDIA_TYPES:
            name = await put(desk, f"{form}-{count}")
            report = await take_in(desk, await export(desk, form, first), form, name)
            assert (report["created"], report["rejected"]) == (len(project), [])
            assert by_item(await records_of(desk, name)) == by_item(before)

    await asyncio.to_thread(comes_back)
