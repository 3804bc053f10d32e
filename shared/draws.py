"""Draws that a key decides: the same on every replica, and at every replay.

Pure: no clock, no state but the key.
"""

import hmac
from collections.abc import Iterable


class Draw:
    """Takes items with probability `rate`, the same on every replica and at every replay.

    An item is taken when HMAC-SHA256(key, item_id) / 2**256 < rate, in exact integer arithmetic.
    So a larger rate takes all that a smaller one did.

    Parameters
    ----------
    key
        Secret: its holder can foresee every draw.
    rate
        In [0, 1].
    """

    __slots__ = ("_bound", "_key", "rate")

    def __init__(self, key: bytes, rate: float) -> None:
        self.rate = rate
        self._key = key
        self._bound = int(rate * 2**256)

    def takes(self, item_id: str) -> bool:
        """Say whether the item is drawn."""
        digest = hmac.digest(self._key, item_id.encode(), "sha256")
        return int.from_bytes(digest, "big") < self._bound

    def taken(self, item_ids: Iterable[str]) -> list[int]:
        """Return the positions of the items that are drawn."""
        return [i for i, item_id in enumerate(item_ids) if self.takes(item_id)]


def key_for(secret: str, purpose: str) -> bytes:
    """Return the key of one draw, from the installation's secret."""
    return hmac.digest(secret.encode(), purpose.encode(), "sha256")
