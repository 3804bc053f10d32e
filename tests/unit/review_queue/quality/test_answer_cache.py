"""Answers are kept while what they rest on stays the same, and no longer."""

import asyncio
from collections.abc import Hashable
from dataclasses import dataclass, field

import pytest

from services.review_queue.quality.answer_cache import LONGEST_SECONDS, AnswerCache


@dataclass
class Worker:
    """Works an answer out: which time it was, and of which mark."""

    mark: Hashable = 1
    moment: float = 0.0
    restless: bool = False
    times: int = 0
    gate: asyncio.Event = field(default_factory=asyncio.Event)
    began: asyncio.Event = field(default_factory=asyncio.Event)
    remembered: AnswerCache[str] = field(init=False)

    def __post_init__(self) -> None:
        self.gate.set()
        self.remembered = AnswerCache(clock=self.tick)

    def tick(self) -> float:
        self.moment += 1e-6
        return self.moment

    async def ask(self, project: str = "shop", question: Hashable = None) -> str:
        async def mark() -> Hashable:
            if self.restless:
                self.mark = object()
            return self.mark

        async def work_out() -> str:
            self.times += 1
            self.began.set()
            told = f"{project} {question}, time {self.times}"
            await self.gate.wait()
            return told

        return await self.remembered.of(project, mark, work_out, question=question)


async def test_answer_is_worked_out_once_for_the_same_mark() -> None:
    worker = Worker()
    assert {await worker.ask() for _ in range(3)} == {"shop None, time 1"}
    assert worker.times == 1
    worker.mark = 2
    assert await worker.ask() == "shop None, time 2"
    assert worker.times == 2


async def test_answer_is_kept_as_long_as_is_said() -> None:
    worker = Worker()
    worker.remembered.longest_seconds = 3.0
    await worker.ask()
    worker.moment = 2.9
    assert await worker.ask() == "shop None, time 1"
    worker.moment = 3.1
    assert await worker.ask() == "shop None, time 2"


async def test_answer_is_worked_out_anew_after_a_while() -> None:
    worker = Worker()
    await worker.ask()
    worker.moment = LONGEST_SECONDS - 1
    await worker.ask()
    assert worker.times == 1
    worker.moment = LONGEST_SECONDS + 1
    await worker.ask()
    assert worker.times == 2


async def test_callers_who_come_together_cost_two_at_most_however_fast_things_change() -> None:
    worker = Worker()
    worker.gate.clear()
    first = asyncio.create_task(worker.ask())
    await worker.began.wait()
    worker.restless = True
    others = [asyncio.create_task(worker.ask()) for _ in range(9)]
    await asyncio.sleep(0)
    worker.gate.set()
    # The first had begun before the others came: its answer may lack what they know of.
    assert await first == "shop None, time 1"
    assert set(await asyncio.gather(*others)) == {"shop None, time 2"}
    assert worker.times == 2


async def test_other_question_gets_its_own_answer() -> None:
    worker = Worker()
    worker.gate.clear()
    first = asyncio.create_task(worker.ask(question="a"))
    await worker.began.wait()
    worker.mark = 2
    second = asyncio.create_task(worker.ask(question="b"))
    await asyncio.sleep(0)
    worker.gate.set()
    assert [await first, await second] == ["shop a, time 1", "shop b, time 2"]


async def test_caller_who_leaves_and_work_that_fails_leave_nothing_behind() -> None:
    worker = Worker()
    worker.gate.clear()
    gone = asyncio.create_task(worker.ask())
    await worker.began.wait()
    gone.cancel()
    with pytest.raises(asyncio.CancelledError):
        await gone
    worker.gate.set()
    assert await worker.ask() == "shop None, time 2"
    assert worker.times == 2


async def test_only_the_newest_projects_are_remembered() -> None:
    worker = Worker()
    for number in range(20):
        await worker.ask(f"p{number}")
    await worker.ask("p19")
    assert worker.times == 20
    await worker.ask("p0")
    assert worker.times == 21
