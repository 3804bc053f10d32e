"""Items of any form, written as a project wants them."""

import itertools
import time
from collections.abc import Iterable, Iterator
from typing import Any

from surehand import endpoints as e
from surehand._async.http import AsyncHttp
from surehand.items import EncodedItem, Shape, encode, is_whole, rows

_SHAPE_SECONDS = 60.0


async def encoded_items(
    http: AsyncHttp, project: str, items: Iterable[Any]
) -> Iterator[EncodedItem]:
    """Return the items as JSON, each written as it is needed.

    Where the first is a row or a bare value, the project is asked for its fields.
    """
    given = iter(rows(items))
    first = next(given, None)
    if first is None:
        return iter(())
    shape = None if is_whole(first) else await _shape(http, project)
    return (encode(item, shape) for item in itertools.chain([first], given))


async def _shape(http: AsyncHttp, project: str) -> Shape:
    known = http.shapes.get(project)
    if known is None or known[0] < time.monotonic():
        found = await http.ask(e.GET_PROJECT, {"project": project})
        shape = Shape(tuple(found.fields), tuple(found.metadata))
        known = http.shapes[project] = (time.monotonic() + _SHAPE_SECONDS, shape)
    return known[1]
