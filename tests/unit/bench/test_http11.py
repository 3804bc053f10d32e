"""Answers as a load generator reads them, in whatever pieces they come."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.serving.http11 import MalformedAnswer, parse_head

BODY = b'{"predictions":[]}'
PLAIN = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\ncontent-length: %d\r\n\r\n%b" % (
    len(BODY),
    BODY,
)
CHUNKED = (
    b"HTTP/1.1 503 Unavailable\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n"
    b"12\r\n%b\r\n0\r\n\r\n" % BODY
)


@given(st.sampled_from([(PLAIN, 200, True), (CHUNKED, 503, False)]), st.data())
def test_an_answer_is_complete_with_its_last_byte(
    case: tuple[bytes, int, bool], data: st.DataObject
) -> None:
    answer, status, keeps_alive = case
    part = answer[: data.draw(st.integers(0, len(answer) - 1))]
    head = parse_head(part)
    assert head is None or not head.is_complete(part)
    whole = parse_head(answer)
    assert whole is not None
    assert whole.is_complete(answer)
    assert (whole.status, whole.keeps_alive) == (status, keeps_alive)


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 200 OK\r\nserver: x\r\n\r\n",
        b"HTTP/1.1 200 OK\r\ncontent-length: many\r\n\r\n",
        b"SSH-2.0-x\r\n\r\n",
    ],
)
def test_an_answer_without_status_or_length_is_refused(answer: bytes) -> None:
    with pytest.raises(MalformedAnswer):
        parse_head(answer)
