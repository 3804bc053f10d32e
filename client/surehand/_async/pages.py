"""Lists that come page by page."""

from collections.abc import AsyncIterator, Mapping
from typing import Any, Generic

from surehand._async.http import AsyncHttp
from surehand.endpoints import Answer, Listing, Page


class AsyncPages(Generic[Answer]):
    """A list of a service: iterate over all of its items, or read a single page.

    Nothing is read before the first item, or page, is asked for.
    """

    def __init__(
        self,
        http: AsyncHttp,
        listing: Listing[Answer],
        names: Mapping[str, str],
        params: Mapping[str, Any] | None = None,
    ) -> None:
        self._http = http
        self._listing = listing
        self._names = names
        self._params = dict(params or {})

    async def page(self, after: str | None = None, limit: int | None = None) -> Page[Answer]:
        """Return the page behind the cursor `after`, the first without; at most 1,000 items."""
        return await self._http.ask_page(
            self._listing, self._names, {**self._params, "after": after, "limit": limit}
        )

    async def __aiter__(self) -> AsyncIterator[Answer]:
        cursor: str | None = None
        while True:
            page = await self.page(cursor)
            for item in page.items:
                yield item
            cursor = page.cursor
            if cursor is None:
                return


class AsyncGroup:
    """Calls about one subject, `client.projects` for example."""

    def __init__(self, http: AsyncHttp) -> None:
        self._http = http
