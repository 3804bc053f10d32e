"""Byte sequences that clients should not send, and what each service answers.

`READ` stands for the head of a request whose route reads a body, up to its framing headers: the
body `{` is then `not-json`, so that an answer tells where the service thinks that the body ends.
"""

from dataclasses import dataclass

READ = b"<read>"
OK, NOT_JSON, NOT_FOUND, TOO_MANY = "ok", "not-json", "not-found", "too-many-requests"
REFUSED, TOO_LARGE, TIMEOUT = "malformed-request", "headers-too-large", "request-timeout"
GET = b"GET /healthz HTTP/1.1\r\nHost: x\r\n"
LONG = 40_000
# More than a service reads at once.
ENDLESS = 1_000_000


@dataclass(frozen=True)
class Case:
    """What is sent, and the answers in their order.

    With `goes_on` the connection is still in step afterwards: the next request is answered too.
    What is not `whole` never ends.
    """

    sent: bytes
    answers: tuple[str, ...]
    goes_on: bool = False
    whole: bool = True


def fine(sent: bytes, *answers: str) -> Case:
    return Case(sent, answers or (OK,), goes_on=True)


def last(sent: bytes, *answers: str) -> Case:
    return Case(sent, answers or (OK,))


def refused(sent: bytes, answer: str = REFUSED) -> Case:
    return Case(sent, (answer,))


def slow(sent: bytes) -> Case:
    return Case(sent, (TIMEOUT,), whole=False)


def endless(sent: bytes) -> Case:
    return Case(sent, (TOO_LARGE,), whole=False)


def get(target: bytes, *headers: bytes, version: bytes = b"HTTP/1.1") -> bytes:
    lines = [b"GET " + target + b" " + version, b"Host: x", *headers]
    return b"\r\n".join([*lines, b"", b""])


def read(*headers: bytes, body: bytes = b"{") -> bytes:
    return READ + b"\r\n".join([*headers, b"", b""]) + body


def chunked(body: bytes) -> bytes:
    return read(b"Transfer-Encoding: chunked", body=body)


ONE = b"1\r\n{\r\n"
END = b"0\r\n\r\n"
LENGTH, CHUNKED = b"Content-Length: 1", b"Transfer-Encoding: chunked"

REQUEST_LINES = {
    "a plain request": fine(get(b"/healthz")),
    "blank lines before it": fine(b"\r\n\r\n" + get(b"/healthz")),
    "ten in one packet": fine(get(b"/healthz") * 10, *[OK] * 10),
    "300 in one packet": Case(get(b"/healthz") * 300, (*[OK] * 201, TOO_MANY)),
    "absolute form": fine(get(b"http://x/healthz")),
    "absolute form of another host": fine(get(b"http://evil.example/healthz")),
    "absolute form without a path": refused(get(b"http://x")),
    "HTTP/1.0": last(b"GET /healthz HTTP/1.0\r\n\r\n"),
    "HTTP/1.0 that would stay": last(b"GET /healthz HTTP/1.0\r\nConnection: keep-alive\r\n\r\n"),
    "HTTP/0.9": refused(b"GET /healthz\r\n"),
    "HTTP/1.2": refused(get(b"/healthz", version=b"HTTP/1.2")),
    "HTTP/2.0": refused(get(b"/healthz", version=b"HTTP/2.0")),
    "the preface of HTTP/2": refused(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"),
    "a TLS hello": refused(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"),
    "a SOCKS hello": refused(b"\x05\x01\x00"),
    "no version": refused(b"GET /healthz HTTP\r\nHost: x\r\n\r\n"),
    "a method in small letters": refused(b"get /healthz HTTP/1.1\r\nHost: x\r\n\r\n"),
    "an unknown method": refused(b"FOO /healthz HTTP/1.1\r\nHost: x\r\n\r\n"),
    "a method without end": refused(b"A" * LONG),
    "CONNECT": refused(b"CONNECT x:80 HTTP/1.1\r\nHost: x:80\r\n\r\n"),
    "authority form": refused(get(b"x:80")),
    "asterisk form": fine(get(b"*"), NOT_FOUND),
    "OPTIONS of all": fine(b"OPTIONS * HTTP/1.1\r\nHost: x\r\n\r\n", NOT_FOUND),
    "no target": refused(b"GET  HTTP/1.1\r\nHost: x\r\n\r\n"),
    "a space in the target": refused(get(b"/health z")),
    "a fragment": fine(get(b"/healthz#x")),
    "a percent-encoded NUL": fine(get(b"/healthz%00"), NOT_FOUND),
    "a dot segment": fine(get(b"/x/../healthz"), NOT_FOUND),
    "two slashes": fine(get(b"//healthz"), NOT_FOUND),
    "bytes that are not ASCII": refused(get("/größe".encode())),
    "percent-encoded UTF-8": fine(get(b"/gr%C3%B6%C3%9Fe"), NOT_FOUND),
    "a percent sign alone": fine(get(b"/100%"), NOT_FOUND),
    "percent-encoded Latin-1": refused(get(b"/gr%F6%DFe")),
    "an overlong slash": refused(get(b"/healthz%C0%AF")),
    "a surrogate": refused(get(b"/%ED%A0%80")),
    "Latin-1 in the query": refused(get(b"/healthz?a=%FF")),
    "a line without end": refused(get(b"/" + b"x" * LONG), TOO_LARGE),
    "a lone line feed": refused(b"GET /healthz HTTP/1.1\nHost: x\n\n"),
    "a lone carriage return": refused(b"GET /healthz HTTP/1.1\rHost: x\r\r"),
}

HEADERS = {
    "small letters and tabs": fine(b"GET /healthz HTTP/1.1\r\nhost:\tx \r\nx-a:\r\n\r\n"),
    "an unknown expectation": fine(GET + b"Expect: x\r\n\r\n"),
    "no Host": refused(b"GET /healthz HTTP/1.1\r\nA: b\r\n\r\n"),
    "two Hosts": refused(GET + b"Host: y\r\n\r\n"),
    "the same Host twice": refused(GET + b"HOST: x\r\n\r\n"),
    "two Hosts of HTTP/1.0": refused(b"GET /healthz HTTP/1.0\r\nHost: x\r\nHost: y\r\n\r\n"),
    "a Host with a path": refused(b"GET /healthz HTTP/1.1\r\nHost: x/y\r\n\r\n"),
    "a Host with a user": refused(b"GET /healthz HTTP/1.1\r\nHost: a@x\r\n\r\n"),
    "a Host with a space": refused(b"GET /healthz HTTP/1.1\r\nHost: x y\r\n\r\n"),
    "an empty Host": fine(b"GET /healthz HTTP/1.1\r\nHost:\r\n\r\n"),
    "a space before the colon": refused(GET + b"A : b\r\n\r\n"),
    "a folded line": refused(GET + b"A: b\r\n c\r\n\r\n"),
    "no colon": refused(GET + b"A\r\n\r\n"),
    "no name": refused(GET + b": b\r\n\r\n"),
    "NUL in a name": refused(GET + b"A\0: b\r\n\r\n"),
    "NUL in a value": refused(GET + b"A: \0\r\n\r\n"),
    "a carriage return in a value": refused(GET + b"A: b\rc\r\n\r\n"),
    "a line feed alone behind a value": refused(GET + b"A: b\n\r\n"),
    "a header of 40 kB": refused(GET + b"A: " + b"x" * LONG + b"\r\n\r\n", TOO_LARGE),
    "a name of 40 kB": refused(GET + b"x" * LONG + b": a\r\n\r\n", TOO_LARGE),
    "10,000 headers": refused(GET + b"A:\r\n" * 10_000 + b"\r\n", TOO_LARGE),
    "an offer of a WebSocket": fine(GET + b"Connection: Upgrade\r\nUpgrade: websocket\r\n\r\n"),
    "an offer of HTTP/2": fine(
        GET + b"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: A\r\n\r\n"
    ),
    "a request id of 20 kB": fine(GET + b"X-Request-Id: " + b"x" * 20_000 + b"\r\n\r\n"),
    "a trace of 20 kB": fine(GET + b"Traceparent: " + b"0" * 20_000 + b"\r\n\r\n"),
}

FRAMING = {
    "a length": fine(read(LENGTH), NOT_JSON),
    "chunks": fine(chunked(ONE + END), NOT_JSON),
    "a length and chunks": refused(read(LENGTH, CHUNKED, body=ONE + END)),
    "chunks and a length": refused(read(CHUNKED, LENGTH, body=ONE + END)),
    "two lengths": refused(read(LENGTH, b"Content-Length: 2", body=b"{}")),
    "the same length twice": refused(read(LENGTH, LENGTH)),
    "a list of lengths": refused(read(b"Content-Length: 1, 1")),
    "a negative length": refused(read(b"Content-Length: -1")),
    "a length with a sign": refused(read(b"Content-Length: +1")),
    "a hexadecimal length": refused(read(b"Content-Length: 0x1")),
    "an empty length": refused(read(b"Content-Length:")),
    "a length past 64 bits": refused(read(b"Content-Length: 18446744073709551617")),
    "gzip": refused(read(b"Transfer-Encoding: gzip")),
    "gzip and chunks": refused(read(b"Transfer-Encoding: gzip, chunked", body=ONE + END)),
    "chunks of chunks": refused(read(b"Transfer-Encoding: chunked, chunked", body=ONE + END)),
    "two transfer codings": refused(read(CHUNKED, b"Transfer-Encoding: identity", body=ONE + END)),
    "identity": refused(read(b"Transfer-Encoding: identity")),
    "xchunked": refused(read(b"Transfer-Encoding: xchunked", body=ONE + END)),
    "chunked with a parameter": refused(read(b"Transfer-Encoding: chunked;a=b", body=ONE + END)),
    "an empty coding": refused(read(b"Transfer-Encoding:", body=ONE + END)),
    "chunks of HTTP/1.0": refused(b"POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n" + END),
    "a request in a GET's body": fine(get(b"/healthz", b"Content-Length: 26") + GET[:26]),
}

CHUNKS = {
    "an extension": fine(chunked(b"1;a=b\r\n{\r\n" + END), NOT_JSON),
    "leading zeros": fine(chunked(b"0001\r\n{\r\n" + END), NOT_JSON),
    "no size": refused(chunked(b"\r\n{\r\n" + END)),
    "a size that is none": refused(chunked(b"zz\r\n{\r\n" + END)),
    "a negative size": refused(chunked(b"-1\r\n{\r\n" + END)),
    "a size with 0x": refused(chunked(b"0x1\r\n{\r\n" + END)),
    "a size past 64 bits": refused(chunked(b"1" + b"0" * 16 + b"\r\n{\r\n" + END)),
    "a space behind the size": refused(chunked(b"1 \r\n{\r\n" + END)),
    "a lone line feed behind the size": refused(chunked(b"1\n{\r\n" + END)),
    "more than the size": refused(chunked(b"1\r\n{{\r\n" + END)),
    "no line end behind it": refused(chunked(b"1\r\n{" + END)),
    "an extension without end": endless(chunked(b"1;" + b"x" * ENDLESS)),
    "leading zeros without end": endless(chunked(b"0" * ENDLESS)),
    "a trailer": fine(chunked(ONE + b"0\r\nA: b\r\n\r\n"), NOT_JSON),
    "a trailer that is no header": fine(chunked(ONE + b"0\r\nHost: y\r\n\r\n"), NOT_JSON),
    "a folded trailer": refused(chunked(ONE + b"0\r\nA: b\r\n c\r\n\r\n")),
    "a trailer without a colon": refused(chunked(ONE + b"0\r\nA\r\n\r\n")),
    "a trailer of 40 kB": refused(
        chunked(ONE + b"0\r\nA: " + b"x" * LONG + b"\r\n\r\n"), TOO_LARGE
    ),
    "a trailer without end": endless(chunked(ONE + b"0\r\n" + b"x" * ENDLESS)),
    "10,000 trailers": refused(chunked(ONE + b"0\r\n" + b"A:\r\n" * 10_000 + b"\r\n"), TOO_LARGE),
}

SLOW = {
    "half a request line": slow(b"GET /he"),
    "half a head": slow(GET),
    "half a body": slow(read(b"Content-Length: 2")),
    "half a chunk": slow(chunked(b"5\r\n{")),
    "half a size": slow(chunked(b"5")),
    "half a trailer": slow(chunked(ONE + b"0\r\nA: ")),
    "nothing": Case(b"", (), whole=False),
}

CASES = {
    f"{group}: {name}": case
    for group, cases in {
        "request line": REQUEST_LINES,
        "headers": HEADERS,
        "framing": FRAMING,
        "chunks": CHUNKS,
        "slow": SLOW,
    }.items()
    for name, case in cases.items()
}
