"""Signatures, checked by an implementation that is not ours, and by the one that docs show."""

import re
from base64 import b64encode
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from standardwebhooks import Webhook as Verifier
from standardwebhooks import WebhookVerificationError

from services.review_queue.webhooks.signing import parse_secrets, signature, signed_headers

HOW_TO = Path(__file__).resolve().parents[4] / "docs" / "how-to" / "receive-webhooks.md"
keys = st.binary(min_size=24, max_size=64)


def secret_of(key: bytes) -> str:
    return "whsec_" + b64encode(key).decode()


def shown_in_docs() -> Callable[[str, dict[str, str], bytes], bool]:
    (shown,) = re.findall(r"^```python\n(.*?)^```", HOW_TO.read_text(), re.DOTALL | re.MULTILINE)
    names: dict[str, Any] = {}
    exec(shown, names)
    verify: Callable[[str, dict[str, str], bytes], bool] = names["verify"]
    return verify


def test_signature_is_that_of_the_specification() -> None:
    # The example of the Standard Webhooks specification.
    (key,) = parse_secrets("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
    said = signature(key, "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, b'{"test": 2432232314}')
    assert said == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


@given(key=keys, body=st.binary(max_size=200), number=st.integers(0, 2**31))
def test_signature_is_that_of_another_implementation(key: bytes, body: bytes, number: int) -> None:
    text = body.decode("latin-1").encode()
    at = datetime.fromtimestamp(number, UTC)
    headers = signed_headers((key,), "id-1", at, text)
    theirs = Verifier(secret_of(key)).sign("id-1", at, text.decode())
    assert headers["webhook-signature"] == theirs
    assert headers["webhook-timestamp"] == str(number)


@given(key=keys, other=keys, body=st.text(max_size=50))
def test_verifier_in_the_docs_trusts_us_and_nobody_else(
    key: bytes, other: bytes, body: str
) -> None:
    verify = shown_in_docs()
    headers = signed_headers((other, key), "id-1", datetime.now(UTC), body.encode())
    assert verify(secret_of(key), headers, body.encode())
    assert not verify(secret_of(key), headers, body.encode() + b" ")
    assert not verify(secret_of(key), headers | {"webhook-id": "id-2"}, body.encode())
    # HMAC fills short keys up with zeros.
    if key.ljust(64, b"\0") != other.ljust(64, b"\0"):
        alone = signed_headers((other,), "id-1", datetime.now(UTC), body.encode())
        assert not verify(secret_of(key), alone, body.encode())


def test_verifier_in_the_docs_refuses_what_is_old() -> None:
    key = bytes(32)
    headers = signed_headers((key,), "id-1", datetime(2026, 1, 1, tzinfo=UTC), b"{}")
    assert not shown_in_docs()(secret_of(key), headers, b"{}")
    with pytest.raises(WebhookVerificationError):
        Verifier(secret_of(key)).verify(b"{}", headers)


@given(st.lists(keys, min_size=1, max_size=3), st.sampled_from([" ", "\n", " \r\n\t"]))
def test_secrets_are_separated_by_white_space(some: list[bytes], space: str) -> None:
    assert parse_secrets(space.join(map(secret_of, some)) + space) == tuple(some)


@pytest.mark.parametrize(
    "text",
    [
        *("", " \n", "hunter2", "whsec_", "whsec_*", "whsec_c2hvcnQ=", "WHSEC_" + "A" * 44),
        secret_of(bytes(23)),
        secret_of(bytes(65)),
        secret_of(bytes(32)) + " and more",
        " ".join([secret_of(bytes(32))] * 4),
    ],
)
def test_what_is_no_secret_is_refused_and_not_told(text: str) -> None:
    with pytest.raises(ValueError, match="secret") as caught:
        parse_secrets(text)
    assert [word for word in text.split() if len(word) > 6 and word in str(caught.value)] == []
