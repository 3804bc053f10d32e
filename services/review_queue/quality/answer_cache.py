"""A cache of answers that take long to work out, kept while their source stays the same."""

import asyncio
import time
from collections import defaultdict
from collections.abc import Awaitable, Callable, Hashable
from dataclasses import dataclass, field
from typing import Generic, TypeVar

Answer = TypeVar("Answer")

# What no mark tells of (an erased item, say) is gone from here, too, after this time.
LONGEST_SECONDS = 60.0
_MOST_PROJECTS = 8


@dataclass(frozen=True)
class _Kept(Generic[Answer]):
    question: Hashable
    mark: Hashable
    began_at: float
    answer: Answer


@dataclass
class AnswerCache(Generic[Answer]):
    """The newest answer about each of a few projects; never one that is out of date.

    `clock` gives seconds that never go back. After `longest_seconds` an answer is worked out anew,
    whatever its mark: without one, answers are as old as that at the most.
    """

    clock: Callable[[], float] = time.monotonic
    longest_seconds: float = LONGEST_SECONDS
    _kept: dict[str, _Kept[Answer]] = field(default_factory=dict)
    _turns: defaultdict[str, asyncio.Lock] = field(
        default_factory=lambda: defaultdict(asyncio.Lock)
    )

    async def of(
        self,
        project: str,
        mark: Callable[[], Awaitable[Hashable]] | None,
        work_out: Callable[[], Awaitable[Answer]],
        *,
        question: Hashable = None,
    ) -> Answer:
        """Return the answer about `project`, worked out anew where `mark` has changed since.

        One call a project works at a time. Calls that asked the same `question` before it
        began get its answer too, so that any number of calls that come together cost at most two.
        `mark` is read before the answer is worked out: what changes meanwhile is seen next time.
        """
        came_at = self.clock()
        async with self._turns[project]:
            began_at, kept = self.clock(), self._kept.get(project)
            found = None if mark is None else await mark()
            if kept is not None:
                same = kept.mark == found and began_at - kept.began_at < self.longest_seconds
                if same or (kept.question == question and kept.began_at > came_at):
                    return kept.answer
            answer = await work_out()
            # The newest last: the oldest makes room.
            self._kept.pop(project, None)
            self._kept[project] = _Kept(question, found, began_at, answer)
            if len(self._kept) > _MOST_PROJECTS:
                del self._kept[next(iter(self._kept))]
            return answer
