"""Draws of items: whether one is audited, or is the challenger's (pure)."""

from functools import lru_cache

from shared.draws import Draw, key_for


def audit_draw(secret: str, project: str, epoch: str, rate: float) -> Draw:
    """Return a project's audit draw in one epoch; its key comes from the installation's secret."""
    return Draw(key_for(secret, f"surehand/audit/{project}/{epoch}"), rate)


# Asked for at every call while there is a challenger.
@lru_cache(maxsize=256)
def canary_draw(secret: str, project: str, version: str, share: float) -> Draw:
    """Return the draw that gives a challenger its share, independent of the audit draw."""
    return Draw(key_for(secret, f"surehand/canary/{project}/{version}"), share)
