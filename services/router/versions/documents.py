"""A project's documents in the store, parsed and judged again only when their bytes change."""

from dataclasses import dataclass
from typing import TypeVar

import structlog
from pydantic import ValidationError

from services.router.metrics import REFUSED_CERTIFICATES, REFUSED_DOCUMENTS
from shared.contracts.base import read_stored
from shared.contracts.projects import ProjectDocument
from shared.contracts.promise_status import digest_of, entry_fault
from shared.contracts.versions import Channels, Newest, PromiseDocument, StoredDocument
from shared.fields.image import image_names
from shared.fields.types import unknown_types
from shared.store import Store, channels_path, project_path, promise_path

log = structlog.get_logger()

Document = TypeVar("Document", bound=StoredDocument)


@dataclass(frozen=True)
class Documents:
    """What the store says of one project. `raw` are the bytes that the rest was parsed from.

    `digest` is that of certificates for the project; None where a field is of an unknown type: then
    nothing is certified. `image_fields` are worked out once: calls without images must not pay for
    those with some.
    """

    raw: tuple[bytes | None, ...]
    project: ProjectDocument
    digest: str | None
    channels: Channels
    promise: PromiseDocument | None
    image_fields: tuple[str, ...] = ()


def named_by(channels: Channels) -> list[str]:
    """Return the versions that the channels name, the champion first, none twice."""
    challenger = channels.challenger.version if channels.challenger is not None else None
    names = (channels.champion, challenger, *channels.shadow)
    return list(dict.fromkeys(name for name in names if name is not None))


async def read_documents(
    store: Store, name: str, known: Documents | None, newest: Newest
) -> Documents | None:
    """Read the project's documents; None when there is no such project.

    A malformed project.json or channels.json leaves the known one in place. A malformed
    promise.json is no promise: it may be the one that suspends. An older channels.json or
    promise.json than one before leaves the known one in place.
    """
    # promise.json is written before channels.json names a version, so it is read after it.
    paths = (project_path(name), channels_path(name), promise_path(name))
    raw = tuple([await store.read(path) for path in paths])
    if raw[0] is None:
        return None
    if known is not None and raw == known.raw:
        return known
    before = known.project if known else None
    project = _newer(name, paths[0], raw[0], before, newest, ProjectDocument) or before
    if project is None:
        return None
    kept = known.channels if known else None
    channels = _newer(name, paths[1], raw[1], kept, newest, Channels)
    if channels is None:
        channels = kept if kept and raw[1] is not None else Channels(revision=0)
    told = known.promise if known else None
    promise = _newer(name, paths[2], raw[2], told, newest, PromiseDocument)
    if promise is not None:
        _report_faults(name, promise)
    unknown = unknown_types(project.fields)
    if unknown:
        log.error("field_types_unknown", project=name, fields=unknown, effect="uncertified")
    return Documents(
        raw=raw,
        project=project,
        digest=digest_of(project),
        channels=channels,
        promise=promise,
        image_fields=image_names(project.fields),
    )


def _newer(
    project: str,
    path: str,
    body: bytes | None,
    known: Document | None,
    newest: Newest,
    kind: type[Document],
) -> Document | None:
    """Read a document; None where it is missing or malformed, `known` where it is an older one."""
    if body is None:
        return None
    try:
        found = read_stored(kind, body)
    except ValidationError as error:
        _refuse(project, path, "malformed", faults=error.error_count())
        return None
    if newest.accept(path, found):
        return found
    _refuse(project, path, "older", found=found.order, newest=newest.at(path))
    return known


def _refuse(project: str, path: str, cause: str, **details: object) -> None:
    document = path.rpartition("/")[2]
    REFUSED_DOCUMENTS.labels(project, document, cause).inc()
    log.warning("document_refused", project=project, document=document, cause=cause, **details)


def _report_faults(project: str, promise: PromiseDocument) -> None:
    """Count and log each entry whose certificate does not hold in itself: it certifies nothing."""
    for version, entry in promise.versions.items():
        if (fault := entry_fault(entry)) is not None:
            REFUSED_CERTIFICATES.labels(project, fault).inc()
            log.error(
                "certificate_refused",
                project=project,
                model_version=version,
                cause=fault,
                detail=entry.unreadable,
            )
