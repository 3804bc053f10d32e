"""What no document tells of: headers of any value, and JSON that nests as deep as it likes."""

from collections.abc import Iterator
from typing import Any

import orjson
from hypothesis import strategies as st

from tests.conformance.known import Bodies

# Spaces around a value are no part of it, and the client refuses them.
_HEADER_VALUES = st.text(st.characters(min_codepoint=0x20, max_codepoint=0x7E), max_size=30).map(
    str.strip
)
# Each is sent to each operation.
READ_HEADERS = {
    "Accept": [
        "application/openmetrics-text;version=x",
        "application/openmetrics-text; version=1.0.0; q=nan",
        "text/html;q=high,*/*",
        ",;,",
    ],
    "Content-Type": ["application/json; charset=x", "application/json;=", "multipart/form-data"],
}
# Some of these are sent with any request.
_OTHER_HEADERS = {
    "Accept": READ_HEADERS["Accept"],
    "Accept-Encoding": ["gzip;q=x", "*"],
    "If-Match": ["*", '"x"', "W/", "-1", "9" * 40],
    "If-None-Match": ["*", '"x"'],
    "Range": ["bytes=0-", "bytes=-", "lines=1"],
    "X-Request-ID": ["x" * 200, "%00"],
    "traceparent": ["00-" + "f" * 32 + "-" + "0" * 16 + "-zz", "00"],
    "Prefer": ["wait=x"],
    "Idempotency-Key": ["x" * 300],
    "Cookie": ["surehand_console=x; ; =", "surehand_console=" + "x" * 3000],
    "X-Forwarded-Proto": ["https,http", "javascript"],
    "Content-Encoding": ["gzip", "br"],
}
_DEPTHS = (100, 127, 129, 300, 1000, 1025, 100_000)
_HERE = "the value that nests"


def headers() -> st.SearchStrategy[dict[str, str]]:
    """Headers that services may look at, with values that make sense or none."""
    choices = {
        name: st.sampled_from(values) | _HEADER_VALUES for name, values in _OTHER_HEADERS.items()
    }
    return st.lists(st.sampled_from(sorted(choices)), max_size=3, unique=True).flatmap(
        lambda names: st.fixed_dictionaries({name: choices[name] for name in names})
    )


@st.composite
def deep_bodies(draw: st.DrawFn, bodies: Bodies) -> bytes:
    """A body with lists or objects in one another in the place of one of its values."""
    body = draw(bodies)
    if isinstance(body, str):
        # Lines: the first is replaced.
        return nested(draw(st.sampled_from(_DEPTHS))) + b"\n" + body.encode()
    places = list(_places(body)) or [()]
    text = orjson.dumps(_replaced(body, draw(st.sampled_from(places))))
    opening = draw(st.sampled_from([b"[", b'{"a":']))
    return text.replace(f'"{_HERE}"'.encode(), nested(draw(st.sampled_from(_DEPTHS)), opening))


def nested(depth: int, opening: bytes = b"[") -> bytes:
    """Give so many lists or objects in one another."""
    return opening * depth + b"1" + (b"]" if opening == b"[" else b"}") * depth


def _places(value: Any, keys: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    inner: Any = value.items() if isinstance(value, dict) else ()
    inner = enumerate(value) if isinstance(value, list) else inner
    for key, one in inner:
        yield (*keys, key)
        yield from _places(one, (*keys, key))


def _replaced(value: Any, keys: tuple[Any, ...]) -> Any:
    if not keys:
        return _HERE
    first, *rest = keys
    copy = dict(value) if isinstance(value, dict) else list(value)
    copy[first] = _replaced(value[first], tuple(rest))
    return copy
