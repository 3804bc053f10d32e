"""Draws of items: whether one is audited, or is the challenger's (pure)."""

from functools import lru_cache

from shared.draws import Draw, key_for


def audit_draw(secret: str, project: str, epoch: str, rate: float, day: str | None = None) -> Draw:
    """Return a project's audit draw; its key comes from the installation's secret.

    Each `day` (of promise.json) has another key: an item that comes again on another day is drawn
    anew, so what was audited once tells nothing of what will be. Without a day, the epoch's key
    draws.
    """
    purpose = f"surehand/audit/{project}/{epoch}"
    return Draw(key_for(secret, purpose if day is None else f"{purpose}/{day}"), rate)


# Asked for at every call while there is a challenger.
@lru_cache(maxsize=256)
def canary_draw(secret: str, project: str, version: str, share: float) -> Draw:
    """Return the draw that gives a challenger its share, independent of the audit draw."""
    return Draw(key_for(secret, f"surehand/canary/{project}/{version}"), share)
