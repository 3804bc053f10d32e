"""How much gold reviewers get, of which kind, and what it shows them."""

import itertools
import random
from collections import Counter
from pathlib import Path

import pytest

from services.review_queue.lifecycle.draws import LeaseDraws
from services.review_queue.projects.messages import EditTerms, ProjectStatement
from services.review_queue.projects.service import ProjectService
from shared.contracts.review_settings import ReviewSettings
from shared.contracts.tasks import Lease
from tests.harness.clock import Clock
from tests.harness.statements import statements_of
from tests.integration.review_queue.gold.crowd import LABELS, Crowd, gather, reviewer

pytestmark = pytest.mark.any_database


def items(leases: list[Lease]) -> list[str]:
    return [lease.task.item_id for lease in leases]


async def test_rate_falls_as_trust_grows_and_nothing_comes_twice(crowd: Crowd) -> None:
    await crowd.put(gold_rate=0.4)
    await crowd.add("right", 60)
    await crowd.add("wrong", 60)
    await crowd.post(700)
    good = reviewer(0.95, random.Random(1))
    shares: list[int] = []
    seen: list[str] = []
    for _ in range(12):
        leases = await crowd.lease("r1", 50)
        seen += items(leases)
        found = [lease for lease in leases if lease.task.item_id in crowd.truth]
        shares.append(len(found))
        for lease in found:
            await crowd.work("r1", lease, good)
    assert len(seen) == len(set(seen)) == 600
    assert 12 <= shares[0] <= 28
    # Known well, he is asked about a third as often; see `gold_rate`.
    assert sum(shares[-4:]) < 0.6 * 4 * shares[0]
    assert sum(shares[:4]) > sum(shares[4:8]) > 0
    seen_of = (await crowd.report("r1")).gold
    assert seen_of is not None
    assert seen_of.tasks == sum(shares)


@pytest.mark.thorough
async def test_model_right_and_model_wrong_come_as_often(crowd: Crowd) -> None:
    await crowd.put(gold_rate=1.0)
    await crowd.add("right", 70)
    await crowd.add("wrong", 25)
    await crowd.add("none", 20)
    await crowd.post(200)
    met = Counter(name.split("-")[0] for name in items(await crowd.gold_of("r1", 40)))
    assert met == {"right": 20, "wrong": 20}
    # What is left, once one kind has run out.
    for _ in range(3):
        met += Counter(name.split("-")[0] for name in items(await crowd.gold_of("r1", 40)))
    assert met["wrong"] == 25
    assert met["right"] == 70


async def test_gold_stands_anywhere_among_the_others(crowd: Crowd) -> None:
    await crowd.put(gold_rate=0.5)
    await crowd.add("none", 100)
    await crowd.post(300)
    leases = await crowd.lease("r1", 60)
    places = [lease.task.item_id in crowd.truth for lease in leases]
    assert len(places) == 60
    changes = sum(one != other for one, other in itertools.pairwise(places))
    assert changes > 15


async def test_no_gold_comes_where_nothing_hides_it(crowd: Crowd) -> None:
    await crowd.put(gold_rate=1.0)
    await crowd.add("none", 20)
    assert await crowd.lease("r1", 9) == []
    await crowd.put(gold_rate=0.5)
    await crowd.post(2)
    leases = await crowd.lease("r1", 100)
    ordinary = [lease for lease in leases if lease.task.item_id not in crowd.truth]
    assert len(ordinary) == 2
    assert len(leases) < 20


async def test_project_without_gold_gets_none_and_rate_zero_neither(crowd: Crowd) -> None:
    await crowd.put(gold_rate=1.0, onboarding_tasks=5)
    await crowd.post(20)
    assert len(await crowd.lease("r1", 10)) == 10
    await crowd.put(gold_rate=0.0)
    await crowd.add("right", 5)
    assert await crowd.gold_of("r1", 10) == []


async def test_lease_without_gold_asks_for_it_once_in_two_seconds(crowd: Crowd) -> None:
    await crowd.put()
    await crowd.post(9)
    with statements_of(crowd.database) as asked:

        def of_gold() -> int:
            names = ("gold", "probes", "reviewer_pauses")
            return sum(any(name in statement for name in names) for statement in asked)

        counts = []
        for _ in range(3):
            counts.append(of_gold())
            assert len(await crowd.lease("r1")) == 1
        crowd.clock.advance(2)
        await crowd.lease("r2")
        counts.append(of_gold())
    assert counts == [0, 3, 3, 6]


async def test_onboarding_comes_before_real_work_and_never_blocks_it_for_ever(
    crowd: Crowd,
) -> None:
    await crowd.put(gold_rate=0.0, onboarding_tasks=4)
    await crowd.post(5)
    await crowd.add("right", 1)
    await crowd.add("wrong", 2)
    first = await crowd.lease("r1", 2)
    assert set(items(first)) < set(crowd.truth)
    assert (await crowd.report("r1")).onboarding_left == 4
    (third,) = await crowd.lease("r1", 5)
    # He holds all the gold there is for him: it is to be answered first.
    assert await crowd.lease("r1", 5) == []
    for lease in [*first, third]:
        assert await crowd.work("r1", lease, reviewer(1.0, random.Random(2)))
    report = await crowd.report("r1")
    assert (report.onboarding_left, report.gold_left) == (1, 0)
    # Gold has run out.
    assert len(await crowd.lease("r1", 9)) == 5
    await crowd.add("none", 3)
    (last,) = await crowd.lease("r1", 9)
    assert last.task.item_id in crowd.truth
    await crowd.work("r1", last, reviewer(0.0, random.Random(2)))
    assert (await crowd.report("r1")).onboarding_left == 0


@pytest.mark.parametrize("blind", [True, False])
async def test_suggestions_are_shown_where_the_project_shows_them(
    crowd: Crowd, blind: bool
) -> None:
    await crowd.put(onboarding_tasks=12, blind=blind)
    await crowd.add("right", 12)
    leases = await crowd.lease("r1", 12)
    shown = {one.task.item_id: one.task.suggestion for one in leases if one.task.suggestion}
    if blind:
        assert shown == {}
        return
    # No item is there that the model got wrong: about half the suggestions are made so.
    right = sum(one.label == crowd.truth[item_id] for item_id, one in shown.items())
    assert 1 <= right < len(shown)
    for item_id, suggestion in shown.items():
        truth = crowd.truth[item_id]
        others = [label for label in LABELS if label != truth]
        # The likeliest of the wrong ones, as sure as the model was.
        assert suggestion.label in {truth, others[0]}
        assert suggestion.confidence == 0.6


@pytest.mark.thorough
async def test_gold_goes_without_a_suggestion_as_often_as_other_tasks(crowd: Crowd) -> None:
    await crowd.put(onboarding_tasks=100, blind=False)
    await crowd.add("right", 100)
    leases = await crowd.lease("r1", 100)
    without = {one.task.task_id for one in leases if one.task.suggestion is None}
    draws, review = LeaseDraws("secret"), ReviewSettings(blind=False)
    assert without == {
        one.task.task_id for one in leases if not draws.shows_suggestion(one.task.task_id, review)
    }
    assert 5 <= len(without) <= 40


async def test_what_comes_back_shows_what_it_showed(crowd: Crowd) -> None:
    await crowd.put(onboarding_tasks=6, blind=False, lease_seconds=60)
    await crowd.add("right", 6)
    leases = await crowd.lease("r1", 6)
    crowd.clock.advance(61)
    again = {lease.task.item_id: lease for lease in await crowd.lease("r1", 6)}
    assert {lease.task.item_id: lease.task for lease in leases} == {
        name: lease.task for name, lease in again.items()
    }


async def test_gold_of_a_label_that_the_project_has_no_longer_is_not_given(crowd: Crowd) -> None:
    await crowd.put(onboarding_tasks=9)
    await crowd.add("none", 9)
    spec = (await crowd.services[ProjectService].get("shop")).model_dump()
    fewer = ProjectStatement.model_validate(spec | {"labels": LABELS[:2]})
    await crowd.services[ProjectService].put("shop", fewer, EditTerms(allow_label_removal=True))
    leases = await crowd.lease("r1", 9)
    assert {crowd.truth[lease.task.item_id] for lease in leases} == set(LABELS[:2])
    assert len(leases) == 6


class _Broken(random.Random):
    """A chance that fails after so many draws: as if the process died there."""

    def __init__(self, draws: int) -> None:
        super().__init__(5)
        self.left = draws

    def random(self) -> float:
        self.left -= 1
        if self.left < 0:
            raise RuntimeError("the process dies here")
        return super().random()


@pytest.mark.sql
async def test_lease_that_is_cut_off_leaves_nothing_behind(
    database_url: str, tmp_path: Path, clock: Clock
) -> None:
    chance = _Broken(10)
    crowd = await gather(database_url, tmp_path, clock, chance)
    await crowd.put(gold_rate=1.0, onboarding_tasks=30)
    await crowd.add("none", 30)
    with pytest.raises(RuntimeError):
        await crowd.lease("r1", 25)
    assert (await crowd.report("r1")).gold_left == 30
    chance.left = 10**6
    assert len(await crowd.lease("r1", 25)) == 25
    assert (await crowd.report("r1")).gold_left == 5
    await crowd.database.dispose()
