"""Whether a version's certificate holds, and which channels name it (pure)."""

from datetime import datetime
from typing import Any, Literal

from services.trainer.tables import ProjectState, Version
from shared.contracts.certificates import CLOCK_SKEW
from shared.contracts.projects import Project, certificate_digest

CertificateStatus = Literal["certified", "expired", "uncertified"]
Channel = Literal["champion", "previous", "challenger", "shadow"]


def channels_of(version: str, state: ProjectState) -> list[Channel]:
    """Return the channels that name a version."""
    named: dict[Channel, list[str | None]] = {
        "champion": [state.champion],
        "previous": [state.previous],
        "challenger": [state.challenger],
        "shadow": [*state.shadow],
    }
    return [channel for channel, versions in named.items() if version in versions]


def is_from_the_future(certificate: dict[str, Any], now: datetime) -> bool:
    """Say whether the certificate was given by a clock that was ahead; routers refuse it too."""
    return now < datetime.fromisoformat(certificate["certified_at"]) - CLOCK_SKEW


def changes_of_status(version: Version) -> list[datetime]:
    """Return the moments at which `status_of` may change by the clock alone."""
    begins = [] if version.certificate is None else [version.certificate["certified_at"]]
    ends = [] if version.expires_at is None else [version.expires_at]
    return [*(datetime.fromisoformat(one) - CLOCK_SKEW for one in begins), *ends]


def status_of(version: Version, project: Project, now: datetime) -> CertificateStatus:
    """Say whether `version` has a certificate that holds now, for the project as it is now."""
    if version.certificate is None or version.expires_at is None:
        return "uncertified"
    if version.certificate["digest"] != certificate_digest(project):
        return "uncertified"
    if is_from_the_future(version.certificate, now):
        return "uncertified"
    return "certified" if now < version.expires_at else "expired"


def is_certified(version: Version | None, project: Project, now: datetime) -> bool:
    """Say whether there is a version, and its certificate holds."""
    return version is not None and status_of(version, project, now) == "certified"
