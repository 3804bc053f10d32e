"""The state of the promise for a version, and which channels name the version (pure)."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from services.trainer.tables import ProjectState, Version
from shared.contracts.certificates import CLOCK_SKEW
from shared.contracts.projects import Project, certificate_digest
from shared.contracts.reasons import WHY_NOT
from shared.contracts.versions import PromiseState

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
    begins, ends = version.certified_at, version.expires_at
    moments = (None if begins is None else begins - CLOCK_SKEW, ends)
    return [moment for moment in moments if moment is not None]


@dataclass(frozen=True)
class VersionStatus:
    """The state of the promise for one version, and the cause that put it there."""

    state: PromiseState
    cause: str

    @property
    def answers(self) -> bool:
        """Whether the version may answer alone."""
        return self.state in ("certified", "warn")


def status_of(
    version: Version, project: Project, state: ProjectState | None, now: datetime
) -> VersionStatus:
    """Say what the promise is worth for `version` now, for the project as it is now.

    Parameters
    ----------
    state
        The project's; with an operator's suspension no certificate counts. None: there is none.
    """
    certificate = version.certificate
    if certificate is None or version.expires_at is None:
        return VersionStatus("uncertified", "not_certified")
    if certificate["digest"] != certificate_digest(project):
        return VersionStatus("uncertified", "project_changed")
    if is_from_the_future(certificate, now):
        return VersionStatus("uncertified", "clock")
    if version.suspension is not None:
        recovers = version.suspension.get("recertifying", False)
        found: PromiseState = "recertifying" if recovers else "suspended"
        return VersionStatus(found, version.suspension["cause"])
    if now >= version.expires_at:
        return VersionStatus("expired", "expired")
    if state is not None and state.suspension is not None:
        return VersionStatus("suspended", "operator")
    if version.warning is not None:
        return VersionStatus("warn", version.warning["cause"])
    return VersionStatus("certified", "certified")


def is_certified(version: Version | None, project: Project, now: datetime) -> bool:
    """Say whether there is a version and its certificate counts, whatever an operator suspends."""
    return version is not None and status_of(version, project, None, now).answers


def certified_beside(
    version: Version,
    versions: Sequence[Version],
    project: Project,
    state: ProjectState,
    now: datetime,
) -> list[Version]:
    """Return the others of `versions` whose certificate counts now, newest first.

    They are offered where `version` may no longer answer; only an operator lets one serve.
    """
    return [
        other
        for other in sorted(versions, key=lambda one: -one.number)
        if other.version != version.version and status_of(other, project, state, now).answers
    ]


def why_not_valid(
    version: Version, state: ProjectState | None, status: VersionStatus, now: datetime
) -> str | None:
    """Say in words why routers answer nothing under the version's certificate; None: they do."""
    if status.answers:
        until = None if state is None else state.watched_until
        return None if until is not None and now < until else WHY_NOT["unwatched"]
    of = state if state is not None and status.cause == "operator" else version
    detail = (of.suspension or {}).get("detail")
    reason = WHY_NOT.get(status.cause, status.cause)
    return reason if detail is None else f"{reason}: {detail}"
