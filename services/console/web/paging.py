"""Lists that page by the services' opaque cursors."""

from dataclasses import dataclass

from fastapi import Request

from services.console.web.rendering import query

LIMIT = 50


@dataclass(frozen=True)
class Paging:
    """Links to the first and to the next page of a list; empty where there is none."""

    first: str
    next: str


def paging(request: Request, cursor: str | None, anchor: str = "", *, key: str = "after") -> Paging:
    """Return the links of the page that a request asked for, of which `cursor` is the end.

    `key` is the member of the query that has the cursor: a page with two lists needs two.
    """
    kept = {
        name: value
        for name, value in request.query_params.items()
        if name not in {key, "notice"} and value
    }

    def link(**more: str) -> str:
        return request.url.path + query(**kept, **more) + anchor

    has_before = bool(request.query_params.get(key))
    return Paging(link() if has_before else "", link(**{key: cursor}) if cursor else "")
