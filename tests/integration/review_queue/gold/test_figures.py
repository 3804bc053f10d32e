"""What waits, as the reviewers' page tells it: gold moves the figures as any other task does."""

from datetime import datetime

import pytest

from services.review_queue.desk.messages import Progress
from services.review_queue.desk.service import ProgressService
from services.review_queue.quality.answer_cache import AnswerCache
from shared.db import Database
from tests.harness.desk import Desk, Json, body_of, entry
from tests.integration.review_queue.gold.people import add_gold, known

MOVES: list[tuple[str, Json | None]] = [
    ("verdict", {"label": "positive"}),
    ("skip", {"to": "others"}),
    ("skip", {"to": "me"}),
    ("skip", {"to": "adjudicator"}),
    ("release", None),
    ("expiry", None),
]
# Onboarding gives gold and nothing else, where there is some.
REVIEW: Json = {"lease_seconds": 60, "onboarding_tasks": 20, "gold_rate": 0}


async def moved(desk: Desk, records: ProgressService, name: str) -> list[tuple[int, int]]:
    """Do everything that can be done with a lease; return how the figures moved each time."""
    seen: list[Progress] = []

    async def look() -> None:
        seen.append(await records.progress(desk.project, name, desk.clock()))

    await look()
    for what, body in MOVES:
        token = (await desk.lease_one(name))["token"]
        await look()
        if what == "expiry":
            desk.clock.advance(61)
        else:
            body_of(await desk.use(name, token, what, body))
        await look()
        if what == "verdict" or (body or {}).get("to") in {"others", "adjudicator"}:
            body_of(await desk.use(name, token, "undo"))
            await look()
            token = (await desk.lease_one(name))["token"]
            body_of(await desk.use(name, token, what, body))
            await look()
        desk.clock.advance(1)
    return [(one.open - seen[0].open, one.leased - seen[0].leased) for one in seen]


@pytest.mark.parametrize(
    ("overlap", "most"),
    [
        pytest.param(1, 1, marks=pytest.mark.thorough),
        pytest.param(1, 2, marks=pytest.mark.thorough),
        (2, 2),
    ],
)
async def test_gold_moves_what_waits_as_other_tasks_do(desk: Desk, overlap: int, most: int) -> None:
    await desk.put_project(review=REVIEW | {"overlap": overlap, "max_overlap": most})
    await desk.post(*(entry(f"a{number}") for number in range(30)))
    database = Database(desk.database_url)
    records = ProgressService(database, desk.clock, AnswerCache(longest_seconds=0))
    ordinary = await moved(desk, records, "old")
    await add_gold(desk, *(known(f"g{number}") for number in range(9)))
    assert await moved(desk, records, "new") == ordinary
    assert ordinary[1] == (-1, 1)
    # What he finished of gold is forgotten in the night, when no answer of his moves the figures.
    waiting = (await records.progress(desk.project, "other", desk.clock())).open
    assert (await records.progress(desk.project, "new", desk.clock())).open < waiting
    desk.clock.advance(86_400)
    assert (await records.progress(desk.project, "new", desk.clock())).open == waiting
    await database.dispose()


async def test_lease_of_gold_shows_no_sooner_than_that_of_other_tasks(desk: Desk) -> None:
    await desk.put_project(review=REVIEW)
    await desk.post(*(entry(f"a{number}") for number in range(3)))
    database, moment = Database(desk.database_url), [0.0]
    counted: AnswerCache[tuple[int, datetime]] = AnswerCache(
        clock=lambda: moment[0], longest_seconds=3
    )
    records = ProgressService(database, desk.clock, counted)
    await add_gold(desk, known("g1"))

    async def seen() -> tuple[int, int]:
        progress = await records.progress(desk.project, "r1", desk.clock())
        return progress.open, progress.leased

    assert await seen() == (3, 0)
    desk.clock.advance(1)
    await desk.lease_one("r1")
    assert await seen() == (3, 1)
    moment[0] += 3
    assert await seen() == (2, 1)
    await database.dispose()
