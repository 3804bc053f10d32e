"""Final answers: the model's, or people's as they come."""

import time
from collections.abc import Iterable, Iterator
from typing import Any

from surehand._sync.concurrency import sleep
from surehand._sync.outcomes import Outcomes
from surehand._sync.predicting import Predicting
from surehand.answers import Answer, Waiting
from surehand.errors import FeedRestarted, Unavailable, WaitTimeout
from surehand.models.tasks import ItemOutcome, Outcome

_WAIT_SECONDS = 20.0
_AGAIN_SECONDS = 2.0


class Answering(Predicting):
    """What callers do who want an answer to each item, be it from people."""

    def outcomes(self, project: str) -> Outcomes:
        """Return the outcomes feed of a project."""
        return Outcomes(self, project)

    def resolve(
        self,
        project: str,
        items: Iterable[Any],
        *,
        timeout: float | None = None,
        review: str = "auto",
        concurrency: int = 4,
    ) -> list[Answer]:
        """Predict items, wait until each has its final answer, and return them in order.

        Parameters
        ----------
        items, review, concurrency
            As in `predict`.
        timeout : seconds
            How long to wait in all; without, for ever. Waiting reads the outcomes feed: what it
            costs does not grow with the number of items.

        Raises
        ------
        WaitTimeout
            Some items still wait: `item_ids`; the others are in `answers`. Call again with the
            same item ids to go on waiting.
        """
        order: list[str] = []
        found: dict[str, Answer] = {}
        try:
            for answer in self._answers(project, items, order, timeout, review, concurrency):
                found[answer.item_id] = answer
        except WaitTimeout as error:
            error.answers = [found[item_id] for item_id in order if item_id in found]
            raise
        return [found[item_id] for item_id in order]

    def as_completed(
        self,
        project: str,
        items: Iterable[Any],
        *,
        timeout: float | None = None,
        review: str = "auto",
        concurrency: int = 4,
    ) -> Iterator[Answer]:
        """Predict items, and yield the final answer of each as it comes: the model's answers first.

        Parameters and errors are those of `resolve`.
        """
        for answer in self._answers(project, items, [], timeout, review, concurrency):
            yield answer

    def _answers(
        self,
        project: str,
        items: Iterable[Any],
        order: list[str],
        timeout: float | None,
        review: str,
        concurrency: int,
    ) -> Iterator[Answer]:
        deadline = float("inf") if timeout is None else time.monotonic() + timeout
        waiting = Waiting()
        stream = self.predict_each(project, items, review=review, concurrency=concurrency)
        for prediction in stream:
            order.append(prediction.item_id)
            if answer := waiting.take(prediction):
                yield answer
        while waiting:
            try:
                for answer in self._until(deadline, self.outcomes(project), waiting):
                    yield answer
            except FeedRestarted:
                continue
            except Unavailable as error:
                sleep(min(error.retry_after or _AGAIN_SECONDS, _left(deadline)))
            if waiting and not _left(deadline):
                message = f"{len(waiting)} items still wait for people after {timeout:g} s."
                raise WaitTimeout(message, waiting.item_ids)

    def _until(self, deadline: float, outcomes: Outcomes, waiting: Waiting) -> Iterator[Answer]:
        """Yield answers until the deadline, or until nothing waits."""
        # The cursor first: what is decided between the two is behind it.
        cursor = outcomes.tail()
        for known in outcomes.find(waiting.item_ids):
            if answer := waiting.settle(known):
                yield answer
        while waiting and (left := _left(deadline)):
            page = outcomes.read(cursor, wait_seconds=min(left, _WAIT_SECONDS), brief=True)
            cursor = page.cursor
            rows: list[Outcome | ItemOutcome] = [*page.outcomes]
            if doubtful := waiting.doubtful(page.outcomes):
                rows += outcomes.find(doubtful)
            for outcome in rows:
                if answer := waiting.settle(outcome):
                    yield answer


def _left(deadline: float) -> float:
    return max(deadline - time.monotonic(), 0.0)
