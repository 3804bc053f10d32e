"""The bodies that servers take: the same texts, each in the form that its server speaks."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

import orjson

from bench.serving.texts import numbered

Item = tuple[str, str]


@dataclass(frozen=True)
class Shape:
    """How one request body is made of items, and where its answer has the probabilities.

    `opening` and `closing` stand around the items of a request of n; `item` is one of them.
    """

    opening: Callable[[int], bytes]
    item: Callable[[Item], bytes]
    closing: bytes
    probabilities: Callable[[Any], list[list[float]]]

    def body(self, items: Sequence[Item]) -> bytes:
        """Return the JSON of one request."""
        return self.opening(len(items)) + b",".join(map(self.item, items)) + self.closing


def _predict_item(item: Item) -> bytes:
    return b'{"item_id":"%b","data":{"text":"%b"}}' % (item[0].encode(), item[1].encode())


def _predicted(answer: Any) -> list[list[float]]:
    return [list(prediction["probabilities"].values()) for prediction in answer["predictions"]]


def _text_item(item: Item) -> bytes:
    return b'"%b"' % item[1].encode()


def _tensor(answer: Any) -> list[list[float]]:
    output = next(entry for entry in answer["outputs"] if entry["name"] == "probabilities")
    values = output["data"]
    width = int(output["shape"][-1])
    return [values[start : start + width] for start in range(0, len(values), width)]


def _rows(answer: Any) -> list[list[float]]:
    # BentoML answers with the bare list.
    return list(answer if isinstance(answer, list) else answer["probabilities"])


SHAPES = {
    "predict": Shape(lambda _: b'{"items":[', _predict_item, b"]}", _predicted),
    "oip": Shape(
        lambda n: (
            b'{"id":"1","inputs":[{"name":"text","datatype":"BYTES","shape":[%d,1],"data":[' % n
        ),
        _text_item,
        # The same output from everybody: Surehand has more, and sends all when none is named.
        b']}],"outputs":[{"name":"probabilities"}]}',
        _tensor,
    ),
    "texts": Shape(lambda _: b'{"texts":[', _text_item, b"]}", _rows),
}


class Requests:
    """Whole HTTP requests, each with texts and item ids of its own."""

    def __init__(
        self, shape: str, items: int, *, texts: list[str], prefix: str, path: str, token: str = ""
    ) -> None:
        self._shape = SHAPES[shape]
        self._count = items
        self._items = numbered(texts, prefix)
        authorization = f"Authorization: Bearer {token}\r\n" if token else ""
        self._head = (
            f"POST {path} HTTP/1.1\r\nHost: localhost\r\n{authorization}"
            "Content-Type: application/json\r\nContent-Length: "
        ).encode()

    def make(self) -> bytes:
        """Return the next request."""
        body = self._shape.body(list(islice(self._items, self._count)))
        return b"%b%d\r\n\r\n%b" % (self._head, len(body), body)


def parse_probabilities(shape: str, body: bytes) -> list[list[float]]:
    """Return the rows of class probabilities that an answer holds.

    Raises
    ------
    ValueError
        It is not an answer of this shape.
    """
    try:
        return SHAPES[shape].probabilities(orjson.loads(body))
    except (KeyError, TypeError, StopIteration) as error:
        raise ValueError(f"not an answer of shape {shape}: {body[:200]!r}") from error
