"""Standard Webhooks 1.0: secrets, and the headers that a receiver verifies (pure).

https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
"""

import base64
import binascii
import hmac
from datetime import datetime

_PREFIX = "whsec_"
_SHORTEST, _LONGEST = 24, 64
# One secret while another replaces it, and one to spare.
_MOST_SECRETS = 3


def parse_secrets(text: str) -> tuple[bytes, ...]:
    """Return the keys in `text`: one to three secrets, separated by white space.

    A secret is ``whsec_`` and 24 to 64 bytes in base64. Several are for the time in which a secret
    is replaced: each signs, so receivers may know either.

    Raises `ValueError`: it is none, or holds something else; the message does not tell what it
    holds.
    """
    words = text.split()
    if not 1 <= len(words) <= _MOST_SECRETS:
        raise ValueError(f"holds no secret, or more than {_MOST_SECRETS}")
    return tuple(map(_key, words))


def _key(word: str) -> bytes:
    if not word.startswith(_PREFIX):
        raise ValueError(f"a secret begins with {_PREFIX}")
    try:
        key = base64.b64decode(word.removeprefix(_PREFIX), validate=True)
    except (binascii.Error, ValueError):
        raise ValueError(f"a secret is {_PREFIX} and base64") from None
    if not _SHORTEST <= len(key) <= _LONGEST:
        raise ValueError(f"a secret has {_SHORTEST} to {_LONGEST} bytes")
    return key


def signature(key: bytes, message_id: str, timestamp: int, body: bytes) -> str:
    """Return ``v1,`` and HMAC-SHA256 (base64) of ``message_id.timestamp.body``."""
    content = b".".join((message_id.encode(), str(timestamp).encode(), body))
    return "v1," + base64.b64encode(hmac.digest(key, content, "sha256")).decode()


def signed_headers(
    keys: tuple[bytes, ...], message_id: str, at: datetime, body: bytes
) -> dict[str, str]:
    """Return the three headers of a message sent at `at`: a signature by each key."""
    timestamp = int(at.timestamp())
    return {
        "webhook-id": message_id,
        "webhook-timestamp": str(timestamp),
        "webhook-signature": " ".join(signature(key, message_id, timestamp, body) for key in keys),
    }
