"""The export of a version's certificate: NDJSON that `verification.verify` reads."""

import gzip
import hashlib
from collections.abc import Iterator, Sequence

import orjson

from services.trainer.promise import repository
from services.trainer.promise.proof.findings import rows_of
from services.trainer.promise.proof.messages import (
    ClassFigures,
    DrawnRow,
    DrawRecord,
    ExportEnd,
    ExportHeader,
)
from services.trainer.registry.service import require
from services.trainer.resources import Resources
from services.trainer.tables import Certification, CertificationPopulation, Version
from shared.contracts.base import from_stored
from shared.contracts.projects import Project
from shared.contracts.versions import Certificate
from shared.db import Session
from shared.problems import Conflict

Part = tuple[bytes, list[DrawnRow]]

_CHUNK = 64 * 1024


async def export_certificate(resources: Resources, project: Project, name: str) -> Iterator[bytes]:
    """Return the export of the version's newest certificate, in chunks.

    Raises
    ------
    NotFound
        There is no such version.
    Conflict
        It has no certificate, or its population is not kept.
    """
    async with resources.database.reading() as session:
        version = await require(session, project.project, name)
        if version.certificate is None:
            raise Conflict(f"{name} has no certificate.")
        certification_id = version.certificate["evidence"].get("certification_id", "")
        record = await session.get(Certification, certification_id)
        draws = [] if record is None else await repository.draws_of(session, record)
        parts = [await _part(session, draw) for draw in draws]
    kept = [part for part in parts if part is not None]
    if not kept or len(kept) < len(parts):
        raise Conflict(
            f"The population that the certificate of {name} was drawn from is not kept: it is "
            "older than the project's `retention_days`, or of a release that kept none."
        )
    return _chunks(_lines(_header(version, draws), kept))


async def _part(session: Session, draw: Certification) -> Part | None:
    """Return a draw's population and drawn items; None if the population is not kept."""
    population = await session.get(CertificationPopulation, draw.certification_id)
    if population is None:
        return None
    drawn = await rows_of(session, await repository.items(session, draw.certification_id))
    return gzip.decompress(population.rows), drawn


def _header(version: Version, draws: Sequence[Certification]) -> bytes:
    assert version.expires_at is not None
    header = ExportHeader(
        project=version.project,
        version=version.version,
        expires_at=version.expires_at,
        certificate=from_stored(Certificate, version.certificate),
        draws=[
            DrawRecord(
                certification_id=draw.certification_id,
                opened_at=draw.opened_at,
                plan=draw.plan or {},
                population=draw.population or {},
            )
            for draw in draws
            if draw.opened_at is not None
        ],
        tested=(draws[-1].result or {}).get("tested", []),
        classes=[
            from_stored(ClassFigures, one) for one in (draws[-1].result or {}).get("classes", [])
        ],
    )
    return header.model_dump_json().encode()


def _lines(header: bytes, parts: Sequence[Part]) -> Iterator[bytes]:
    yield header
    for population, drawn in parts:
        yield from population.split(b"\n")
        for row in drawn:
            yield row.model_dump_json().encode()


def _chunks(lines: Iterator[bytes]) -> Iterator[bytes]:
    """Yield the lines and the last one, which has the checksum of those before it."""
    checksum, held = hashlib.sha256(), bytearray()
    for line in lines:
        checksum.update(line + b"\n")
        held += line + b"\n"
        if len(held) >= _CHUNK:
            yield bytes(held)
            held.clear()
    end = ExportEnd(sha256=checksum.hexdigest())
    yield bytes(held) + orjson.dumps(end.model_dump()) + b"\n"
