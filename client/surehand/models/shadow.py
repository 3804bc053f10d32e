"""Versions that are compared with the champion on live traffic."""

from datetime import datetime
from typing import Any

from surehand.models.base import Model


class ShadowStage(Model):
    """A version that passed the gate's tests, compared with the champion on live traffic.

    `state` is running, passed, refused, undecided or ended. `figures` has the counts (`items`,
    `differing`, `reviewed`, `gained`, `lost`, `waiting`), and the evidence for and against it:
    `evidence_for` lets it pass at `needed_for`, `evidence_against` refuses it at `needed_against`.
    """

    stage_id: str
    version: str
    champion: str
    state: str
    number: int
    labels: int
    share: float
    began_at: datetime
    ends_at: datetime
    closed_at: datetime | None = None
    figures: dict[str, Any]
    reasons: list[str] = []
