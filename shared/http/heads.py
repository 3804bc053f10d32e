"""The head of a request: its size, and the rules of HTTP/1.1 that the parser does not check."""

import re
from collections.abc import Sequence
from itertools import chain
from urllib.parse import unquote_to_bytes

from shared.problems import MalformedRequest

Headers = Sequence[tuple[bytes, bytes]]

_VERSIONS = frozenset({"1.0", "1.1"})
# RFC 3986's host and port. `/`, `@` and spaces would make another URL of an address built from it.
_HOST = re.compile(rb"[A-Za-z0-9\-._~!$&'()*+,;=%:\[\]]*")


def head_bytes(method: bytes, url: bytes, headers: Headers) -> int:
    """Return the size of a head, written without needless spaces."""
    line = len(method) + len(url) + len(b"  HTTP/1.1\r\n")
    return line + fields_bytes(headers) + len(b"\r\n")


def fields_bytes(fields: Headers) -> int:
    """Return the size of header or trailer fields, written without needless spaces."""
    return sum(map(len, chain.from_iterable(fields))) + len(b": \r\n") * len(fields)


def check_head(version: str, url: bytes, headers: Headers) -> None:
    """Raise `MalformedRequest` for a head that servers and proxies may understand differently.

    RFC 9112: HTTP/1.1 has exactly one `Host` (3.2), and `chunked`, named once, is the only transfer
    coding that we know (6.1). RFC 3986: what a target's percent-encoding stands for is UTF-8.
    """
    if version not in _VERSIONS:
        raise MalformedRequest
    names = [name for name, _ in headers]
    hosts = names.count(b"host")
    if hosts > 1 or (not hosts and version == "1.1"):
        raise MalformedRequest(f"Send exactly one Host header; this request has {hosts}.")
    if hosts and not _HOST.fullmatch(headers[names.index(b"host")][1].rstrip()):
        raise MalformedRequest("Send a Host header that is a host name, with a port if need be.")
    if b"transfer-encoding" in names:
        codings = [value for name, value in headers if name == b"transfer-encoding"]
        if version == "1.0" or len(codings) > 1 or codings[0].rstrip().lower() != b"chunked":
            raise MalformedRequest("Send a body with a Content-Length, or `chunked` and no more.")
    if b"%" in url and not _is_text(url):
        raise MalformedRequest("Percent-encode the path and the query as UTF-8.")


def head_without_offer(method: bytes, version: str, url: bytes, headers: Headers) -> bytes:
    """Return the head as it would be sent without an offer to upgrade."""
    lines = [b"%b %b HTTP/%b" % (method, url, version.encode())]
    lines += [b"%b: %b" % header for header in headers if header[0] != b"upgrade"]
    return b"\r\n".join([*lines, b"", b""])


def _is_text(url: bytes) -> bool:
    try:
        unquote_to_bytes(url).decode()
    except UnicodeDecodeError:
        return False
    return True
