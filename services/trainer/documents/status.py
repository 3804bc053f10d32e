"""Where a version stands with its promise (pure)."""

from datetime import datetime
from typing import Any, Literal

from services.trainer.tables import Version
from shared.contracts.certificates import CLOCK_SKEW
from shared.contracts.projects import Project, certificate_digest

Standing = Literal["certified", "expired", "uncertified"]


def is_from_the_future(certificate: dict[str, Any], now: datetime) -> bool:
    """Say whether a clock that was ahead gave it: routers take it no more than this does."""
    return now < datetime.fromisoformat(certificate["certified_at"]) - CLOCK_SKEW


def changes_of_status(version: Version) -> list[datetime]:
    """Return the moments at which `standing_of` may change by the clock alone."""
    begins = [] if version.certificate is None else [version.certificate["certified_at"]]
    ends = [] if version.expires_at is None else [version.expires_at]
    return [*(datetime.fromisoformat(one) - CLOCK_SKEW for one in begins), *ends]


def standing_of(version: Version, project: Project, now: datetime) -> Standing:
    """Say whether `version` has a certificate that holds now, for the project as it is now."""
    if version.certificate is None or version.expires_at is None:
        return "uncertified"
    if version.certificate["digest"] != certificate_digest(project):
        return "uncertified"
    if is_from_the_future(version.certificate, now):
        return "uncertified"
    return "certified" if now < version.expires_at else "expired"
