"""Webhooks, as the review queue signs them."""

from datetime import UTC, datetime

import pytest

from services.review_queue.webhooks.signing import parse_secrets, signed_headers
from surehand import WebhookVerificationError, verify_webhook

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
OTHER = "whsec_" + "QUJD" * 8
NOW = datetime(2026, 11, 28, 14, tzinfo=UTC)
BODY = b'{"id": "e-1", "type": "outcome.resolved"}'


def headers() -> dict[str, str]:
    return dict(signed_headers(parse_secrets(SECRET), "e-1", NOW, BODY))


def test_an_event_is_given_once_its_signature_is_right() -> None:
    seconds = NOW.timestamp()
    assert verify_webhook(headers(), BODY, SECRET, now=seconds + 299)["id"] == "e-1"
    upper = {name.upper(): value for name, value in headers().items()}
    assert verify_webhook(upper, BODY.decode(), f"{OTHER} {SECRET}", now=seconds)["id"] == "e-1"


def test_the_example_of_the_specification() -> None:
    given = {
        "webhook-id": "msg_p5jXN8AQM9LWM0D4loKWxJek",
        "webhook-timestamp": "1614265330",
        "webhook-signature": "v2,abc v1,no! v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
    }
    event = verify_webhook(given, b'{"test": 2432232314}', SECRET, now=1614265330)
    assert event == {"test": 2432232314}


@pytest.mark.parametrize(
    ("changes", "body", "secret", "later"),
    [
        ({}, BODY + b" ", SECRET, 0),
        ({}, BODY, OTHER, 0),
        ({}, BODY, SECRET, 301),
        ({}, BODY, SECRET, -301),
        ({"webhook-id": "e-2"}, BODY, SECRET, 0),
        ({"webhook-timestamp": "soon"}, BODY, SECRET, 0),
        ({"webhook-signature": ""}, BODY, SECRET, 0),
        ({"webhook-signature": "v1,"}, BODY, SECRET, 0),
    ],
)
def test_what_is_not_from_surehand_is_refused(
    changes: dict[str, str], body: bytes, secret: str, later: float
) -> None:
    with pytest.raises(WebhookVerificationError):
        verify_webhook(headers() | changes, body, secret, now=NOW.timestamp() + later)
    with pytest.raises(WebhookVerificationError, match="webhook-"):
        verify_webhook({}, body, secret)


@pytest.mark.parametrize("secret", ["", "whsec_", "not base64!"])
def test_a_secret_that_is_none_is_a_fault_of_the_caller(secret: str) -> None:
    with pytest.raises(ValueError, match="secret"):
        verify_webhook(headers(), BODY, secret, now=NOW.timestamp())
