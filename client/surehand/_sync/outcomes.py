"""The outcomes feed of a project."""

from collections.abc import Iterable, Iterator

from surehand import endpoints as e
from surehand._sync.concurrency import sleep
from surehand._sync.http import Http
from surehand.errors import Unavailable
from surehand.models.tasks import ItemOutcome, OutcomePage

_WAIT_SECONDS = 20.0
_AGAIN_SECONDS = 5.0
_QUERY_ITEMS = 1000


class Outcomes:
    """`client.outcomes(project)`: what people answered, in the order in which it was decided."""

    def __init__(self, http: Http, project: str) -> None:
        self._http = http
        self._names = {"project": project}

    def follow(self, cursor: str | None = None, *, brief: bool = False) -> Iterator[OutcomePage]:
        """Yield the pages behind `cursor` (without, from the start), and new ones as they come.

        It never ends by itself. Handle `page.outcomes`, then store `page.cursor` to go on from
        there later. An outage of the review queue is waited out.

        Parameters
        ----------
        brief
            Leave ``data``, ``metadata`` and ``prediction`` empty.

        Raises
        ------
        FeedRestarted
            The review queue was restored from a backup, and `cursor` is from before. Follow from
            the start, without a cursor; the first row of an item then replaces what you have.
        """
        while True:
            try:
                page = self.read(cursor, wait_seconds=_WAIT_SECONDS, brief=brief)
            except Unavailable as error:
                sleep(error.retry_after or _AGAIN_SECONDS)
                continue
            cursor = page.cursor
            if page.outcomes:
                yield page

    def read(
        self,
        cursor: str | None = None,
        *,
        wait_seconds: float = 0.0,
        limit: int | None = None,
        brief: bool = False,
    ) -> OutcomePage:
        """Return one page behind `cursor`; an empty one comes after `wait_seconds` (0 to 60)."""
        params = {
            "after": cursor,
            "wait_seconds": wait_seconds,
            "limit": limit,
            "brief": brief or None,
        }
        timeout = self._http.timeout + wait_seconds
        return self._http.ask(e.OUTCOMES, self._names, params=params, timeout=timeout)

    def tail(self) -> str:
        """Return the cursor of the feed's end, to follow it from now on."""
        return (self._http.ask(e.OUTCOMES, self._names, params={"tail": True})).cursor

    def get(self, item_id: str, *, wait_seconds: float = 0.0) -> ItemOutcome:
        """Return what people made of an item; `NotFound` if they were never asked."""
        return self._http.ask(
            e.ITEM_OUTCOME,
            {**self._names, "item_id": item_id},
            params={"wait_seconds": wait_seconds},
            timeout=self._http.timeout + wait_seconds,
        )

    def find(self, item_ids: Iterable[str]) -> list[ItemOutcome]:
        """Return what people made of items; those that they were never asked about are left out."""
        found: list[ItemOutcome] = []
        wanted = list(item_ids)
        for start in range(0, len(wanted), _QUERY_ITEMS):
            body = {"item_ids": wanted[start : start + _QUERY_ITEMS]}
            found += (self._http.ask(e.ITEM_OUTCOMES, self._names, json=body)).outcomes
        return found
