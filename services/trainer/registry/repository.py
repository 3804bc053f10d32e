"""SQL of the versions."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import select, update
from sqlmodel import col

from services.trainer.posting.repository import end_draws
from services.trainer.tables import Certification, ProjectState, Version, page_before
from shared.contracts.versions import Manifest, ModelInterface
from shared.db import Session


async def find(session: Session, project: str, version: str | None) -> Version | None:
    """Return one version of a project."""
    # Databases do not take every text.
    if version is None or not version.isprintable():
        return None
    return await session.get(Version, (project, version))


async def champion(session: Session, project: str) -> Version | None:
    """Return the version that serves; None: there is none."""
    state = await session.get(ProjectState, project)
    return await find(session, project, None if state is None else state.champion)


async def page(session: Session, project: str, before: int | None, limit: int) -> Sequence[Version]:
    """Return versions, newest first, with a number below `before`."""
    return await page_before(session, Version, project, Version.number, before, limit)


async def audit_suspensions(session: Session, project: str) -> list[dict[str, Any]]:
    """Return the suspensions of a project's versions by audits or drift, retired ones included."""
    query = select(col(Version.suspension)).where(col(Version.project) == project)
    # A JSON column holds null as JSON, which SQL does not take for NULL.
    return [one for one in (await session.execute(query)).scalars() if one is not None]


async def same_model(
    session: Session, project: str, model_sha256: str, interface: ModelInterface
) -> str | None:
    """Return the version in service that is the same file, read in the same way."""
    query = select(Version).where(col(Version.project) == project, col(Version.retired).is_(False))
    for version in (await session.execute(query)).scalars():
        manifest = Manifest.model_validate(version.manifest)
        same_interface = all(
            getattr(manifest, name) == getattr(interface, name)
            for name in ModelInterface.model_fields
        )
        if manifest.model_sha256 == model_sha256 and same_interface:
            return version.version
    return None


async def under_certification(session: Session, project: str) -> frozenset[str]:
    """Return the names of the versions whose certification waits for items or verdicts."""
    query = select(col(Certification.version)).where(
        col(Certification.project) == project, col(Certification.state).in_(("waiting", "open"))
    )
    return frozenset((await session.execute(query)).scalars())


async def cancel_pending(session: Session, project: str, detail: str, version: str) -> None:
    """Cancel the pending certifications of a version; what was asked for them is withdrawn."""
    query = update(Certification).where(
        col(Certification.project) == project,
        col(Certification.version) == version,
        col(Certification.state).in_(("waiting", "open")),
    )
    await session.execute(query.values(state="cancelled", detail=detail))
    await end_draws(session, project, version=version)


async def give_way(session: Session, project: str, detail: str) -> None:
    """Let certifications of older versions that wait for items give way to a newer version.

    One that is open is finished, and a renewal or an operator's request keeps its place.
    """
    await session.execute(
        update(Certification)
        .where(
            col(Certification.project) == project,
            col(Certification.state) == "waiting",
            col(Certification.purpose).in_(("first", "recovery")),
        )
        .values(state="cancelled", detail=detail)
    )
