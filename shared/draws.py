"""Draws that a key decides: the same on every replica, and at every replay.

Pure: no clock, no state but the key.
"""

import hashlib
import hmac
from collections.abc import Iterable

_BITS = 256
_BLOCK_BYTES = 64


class Draw:
    """Takes items with probability `rate`, the same on every replica and at every replay.

    An item is taken when HMAC-SHA256(key, item_id) / 2**256 < rate, in exact integer arithmetic.
    So a larger rate takes all that a smaller one did.

    Parameters
    ----------
    key
        At most 64 bytes, secret: its holder can foresee every draw.
    rate
        In [0, 1].
    """

    __slots__ = ("_bound", "_inner", "_outer", "rate")

    def __init__(self, key: bytes, rate: float) -> None:
        self.rate = rate
        # HMAC (RFC 2104) of one key again and again: what depends on the key alone is done once,
        # which halves the time of a draw.
        padded = key.ljust(_BLOCK_BYTES, b"\0")
        if len(padded) > _BLOCK_BYTES:
            raise ValueError(f"the key must have at most {_BLOCK_BYTES} bytes")
        self._inner = hashlib.sha256(bytes(byte ^ 0x36 for byte in padded))
        self._outer = hashlib.sha256(bytes(byte ^ 0x5C for byte in padded))
        # Big-endian digests compare as the integers they are; 2**256 itself needs a byte more.
        bound = int(rate * 2**_BITS)
        whole = bound >> _BITS
        self._bound = b"\xff" * 33 if whole else bound.to_bytes(_BITS // 8, "big")

    def takes(self, item_id: str) -> bool:
        """Say whether the item is drawn."""
        inner = self._inner.copy()
        inner.update(item_id.encode())
        outer = self._outer.copy()
        outer.update(inner.digest())
        return outer.digest() < self._bound

    def taken(self, item_ids: Iterable[str]) -> list[int]:
        """Return the positions of the items that are drawn."""
        return [i for i, item_id in enumerate(item_ids) if self.takes(item_id)]


def key_for(secret: str, purpose: str) -> bytes:
    """Return the key of one draw, from the installation's secret."""
    return hmac.digest(secret.encode(), purpose.encode(), "sha256")
