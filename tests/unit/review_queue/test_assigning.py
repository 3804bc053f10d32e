"""Who gets which task where several ask at once."""

from collections.abc import Collection
from dataclasses import dataclass

from hypothesis import given
from hypothesis import strategies as st

from services.review_queue.lifecycle.assigning import Claim, assign

NAMES = ("r1", "r2", "r3")


@dataclass
class Free:
    number: int
    for_all: bool = True
    reserved_for: str | None = None
    answered_by: Collection[str] | None = None
    needs: str = ""
    covered_by: Collection[str] | None = None

    def suits(self, reviewer: str) -> bool:
        kept = not self.for_all and self.reserved_for != reviewer
        covered = not self.needs or reviewer in (self.covered_by or ())
        return covered and not kept and reviewer not in (self.answered_by or ())


free_tasks = st.lists(
    st.builds(
        Free,
        number=st.integers(),
        for_all=st.booleans(),
        reserved_for=st.sampled_from([None, *NAMES]),
        answered_by=st.none() | st.lists(st.sampled_from(NAMES)).map(tuple),
        needs=st.sampled_from(["", "language=de"]),
        covered_by=st.none() | st.lists(st.sampled_from(NAMES)).map(tuple),
    ),
    max_size=8,
)
claims = st.lists(
    st.builds(Claim, st.sampled_from(NAMES), st.integers(min_value=1, max_value=3)), max_size=5
)


@given(free_tasks, claims)
def test_nobody_gets_what_is_not_for_him_or_more_than_he_asked_for(
    tasks: list[Free], asked: list[Claim]
) -> None:
    given_to = assign(tasks, asked)
    assert len(given_to) == len(asked)
    for claim, mine in zip(asked, given_to, strict=True):
        assert len(mine) <= claim.count
        assert all(task.suits(claim.reviewer) for task in mine)
    everything = [id(task) for mine in given_to for task in mine]
    assert len(set(everything)) == len(everything)


@given(free_tasks, claims)
def test_a_task_is_left_only_where_all_whom_it_suits_have_enough(
    tasks: list[Free], asked: list[Claim]
) -> None:
    given_to = assign(tasks, asked)
    taken = {id(task) for mine in given_to for task in mine}
    for task in tasks:
        if id(task) in taken:
            continue
        for claim, mine in zip(asked, given_to, strict=True):
            assert len(mine) == claim.count or not task.suits(claim.reviewer)


def test_first_turn_goes_to_who_came_first() -> None:
    tasks = [Free(1), Free(2), Free(3)]
    got = assign(tasks, [Claim("r1", 1), Claim("r2", 2)])
    assert [[task.number for task in mine] for mine in got] == [[1], [2, 3]]


def test_a_task_that_waits_for_one_goes_to_him_past_those_before_him() -> None:
    kept = Free(1, for_all=False, reserved_for="r2")
    got = assign([kept, Free(2)], [Claim("r1", 1), Claim("r2", 1)])
    assert [[task.number for task in mine] for mine in got] == [[2], [1]]
