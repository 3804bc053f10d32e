"""A project's documents in the store, parsed again only when their bytes change."""

from dataclasses import dataclass
from typing import TypeVar

import structlog
from pydantic import BaseModel, ValidationError

from shared.contracts.projects import Project, certificate_digest
from shared.contracts.versions import Channels, PromiseDocument
from shared.store import Store, channels_path, project_path, promise_path

log = structlog.get_logger()

Document = TypeVar("Document", bound=BaseModel)


@dataclass(frozen=True)
class Documents:
    """What the store says of one project. `raw` are the bytes that the rest was parsed from.

    `image_fields` are worked out once: calls without images must not pay for those with some.
    """

    raw: tuple[bytes | None, ...]
    project: Project
    digest: str
    channels: Channels
    promise: PromiseDocument | None
    image_fields: tuple[str, ...] = ()


def named_by(channels: Channels) -> list[str]:
    """Return the versions that the channels name, the champion first, none twice."""
    challenger = channels.challenger.version if channels.challenger is not None else None
    names = (channels.champion, challenger, *channels.shadow)
    return list(dict.fromkeys(name for name in names if name is not None))


async def read_documents(store: Store, name: str, known: Documents | None) -> Documents | None:
    """Read the project's documents; None when there is no such project.

    A malformed project.json or channels.json leaves the known one in place. A malformed
    promise.json is no promise: it may be the one that suspends.
    """
    # promise.json is written before channels.json names a version, so it is read after it.
    paths = (project_path(name), channels_path(name), promise_path(name))
    raw = tuple([await store.read(path) for path in paths])
    if raw[0] is None:
        return None
    if known is not None and raw == known.raw:
        return known
    project = _parse(paths[0], raw[0], Project) or (known.project if known else None)
    if project is None:
        return None
    channels = _parse(paths[1], raw[1], Channels)
    if channels is None:
        channels = known.channels if known and raw[1] is not None else Channels(revision=0)
    promise = _parse(paths[2], raw[2], PromiseDocument)
    images = tuple(name for name, field in project.fields.items() if field.type == "image")
    return Documents(raw, project, certificate_digest(project), channels, promise, images)


def _parse(path: str, body: bytes | None, kind: type[Document]) -> Document | None:
    if body is None:
        return None
    try:
        return kind.model_validate_json(body)
    except ValidationError as error:
        log.warning("document_malformed", path=path, faults=error.error_count())
        return None
