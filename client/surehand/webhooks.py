"""Webhooks: is a request really from Surehand? (Standard Webhooks 1.0)"""

import base64
import binascii
import hmac
import json
import time
from collections.abc import Mapping
from hashlib import sha256
from typing import Any

from surehand.errors import WebhookVerificationError

_PREFIX = "whsec_"


def verify_webhook(
    headers: Mapping[str, str],
    body: bytes | str,
    secret: str,
    *,
    tolerance_seconds: float = 300.0,
    now: float | None = None,
) -> dict[str, Any]:
    """Return the event of a webhook, once its signature and its age are right.

    Events come at least once: ignore one whose ``id`` you have handled already.

    Parameters
    ----------
    headers, body
        Of the request; the body as it came, byte for byte.
    secret
        ``whsec_…``, or several, separated by white space.
    tolerance_seconds, now
        How far the time of the request may be from `now` (Unix seconds; the clock's by default).

    Raises
    ------
    WebhookVerificationError
        A header is missing, the time is too far off, no signature is right, or the body is no JSON.
    ValueError
        `secret` is no secret.
    """
    by_name = {str(name).lower(): value for name, value in headers.items()}
    raw = body.encode() if isinstance(body, str) else bytes(body)
    timestamp = _header(by_name, "webhook-timestamp")
    _check_age(timestamp, time.time() if now is None else now, tolerance_seconds)
    signed = f"{_header(by_name, 'webhook-id')}.{timestamp}.".encode() + raw
    _check_signature(signed, _header(by_name, "webhook-signature"), secret)
    return _event(raw)


def _event(raw: bytes) -> dict[str, Any]:
    try:
        event = json.loads(raw)
    except ValueError as error:
        raise WebhookVerificationError("The body is no JSON.") from error
    if not isinstance(event, dict):
        raise WebhookVerificationError("The body is no event.")
    return event


def _check_age(timestamp: str, now: float, tolerance_seconds: float) -> None:
    if not (timestamp.isascii() and timestamp.isdigit()):
        raise WebhookVerificationError("webhook-timestamp is not a number of seconds.")
    age = now - int(timestamp)
    if abs(age) > tolerance_seconds:
        raise WebhookVerificationError(f"The webhook is {age:.0f} s old.")


def _check_signature(signed: bytes, signatures: str, secret: str) -> None:
    expected = [hmac.new(key, signed, sha256).digest() for key in _keys(secret)]
    # Every pair is compared, so that the time says nothing.
    matches = [hmac.compare_digest(a, b) for a in _signatures(signatures) for b in expected]
    if not any(matches):
        raise WebhookVerificationError("No signature of the webhook is right.")


def _header(headers: Mapping[str, str], name: str) -> str:
    if name not in headers:
        raise WebhookVerificationError(f"There is no header {name}.")
    return headers[name]


def _signatures(header: str) -> list[bytes]:
    found = []
    for part in header.split():
        version, _, text = part.partition(",")
        if version == "v1":
            try:
                found.append(base64.b64decode(text, validate=True))
            except (binascii.Error, ValueError):
                continue
    return found


def _keys(secret: str) -> list[bytes]:
    keys = []
    for one in secret.split():
        try:
            keys.append(base64.b64decode(one.removeprefix(_PREFIX), validate=True))
        except (binascii.Error, ValueError) as error:
            raise ValueError("A secret is whsec_ and base64.") from error
    if not keys or not all(keys):
        raise ValueError("There is no secret.")
    return keys
