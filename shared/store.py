"""The object store's documents: read, verify, replace atomically.

Every document has one writer (docs/explanation/architecture.md), so a replacement needs no
condition: a reader sees the old bytes or the new ones, never a mixture.
"""

import hashlib
from pathlib import Path
from typing import TypeVar
from urllib.parse import unquote, urlsplit

import obstore
from obstore.store import LocalStore, ObjectStore, from_url
from pydantic import BaseModel

Document = TypeVar("Document", bound=BaseModel)

_PROBE_BYTES = 4096


class Store:
    """Documents under one root, on a local folder, S3, GCS or Azure."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        if parts.scheme == "file":
            folder = Path(unquote(parts.path))
            folder.mkdir(parents=True, exist_ok=True)
            self._store: ObjectStore = LocalStore(folder, automatic_cleanup=True)
        else:
            self._store = from_url(url)

    async def read(self, path: str) -> bytes | None:
        """Return the bytes at `path`; None when there is nothing."""
        try:
            result = await obstore.get_async(self._store, path)
        except FileNotFoundError:
            return None
        return bytes(await result.bytes_async())

    async def write(self, path: str, body: bytes) -> None:
        """Put `body` at `path`, replacing atomically what was there."""
        await obstore.put_async(self._store, path, body)

    async def probe(self, service: str) -> None:
        """Write something that `service` alone writes; raise what a write raises.

        At the root, where no project's folder can be: their names begin with a letter. As much as a
        disk gives room for at a time: a full one still takes an empty file.
        """
        await self.write(f"_{service}", bytes(_PROBE_BYTES))

    async def read_document(self, path: str, kind: type[Document]) -> Document | None:
        """Return the JSON document at `path`, validated; None when there is none.

        Raises
        ------
        pydantic.ValidationError
            It is not a document of `kind`.
        """
        body = await self.read(path)
        return None if body is None else kind.model_validate_json(body)

    async def write_document(self, path: str, document: BaseModel) -> None:
        """Put `document` at `path` as JSON."""
        await self.write(path, document.model_dump_json().encode())

    async def folders(self, prefix: str = "") -> list[str]:
        """Return the names of the folders directly under `prefix`, sorted."""
        result = await obstore.list_with_delimiter_async(self._store, prefix or None)
        return sorted(name.rstrip("/").rsplit("/", 1)[-1] for name in result["common_prefixes"])

    async def files(self, prefix: str) -> list[str]:
        """Return the paths of all files under `prefix`, sorted."""
        return sorted(
            [entry["path"] async for batch in obstore.list(self._store, prefix) for entry in batch]
        )

    async def delete(self, path: str) -> None:
        """Remove what is at `path`, if anything."""
        try:
            await obstore.delete_async(self._store, path)
        except FileNotFoundError:
            return


def sha256(body: bytes) -> str:
    """Return the SHA-256 digest of `body` in hex."""
    return hashlib.sha256(body).hexdigest()


def project_path(project: str) -> str:
    """Path of a project's own document."""
    return f"{project}/project.json"


def channels_path(project: str) -> str:
    """Path of a project's channels."""
    return f"{project}/channels.json"


def promise_path(project: str) -> str:
    """Path of a project's promise."""
    return f"{project}/promise.json"


def model_path(project: str, version: str) -> str:
    """Path of a version's ONNX graph."""
    return f"{project}/versions/{version}/model.onnx"


def manifest_path(project: str, version: str) -> str:
    """Path of a version's manifest."""
    return f"{project}/versions/{version}/manifest.json"


def decisions_prefix(project: str) -> str:
    """Folder of a project's decision log."""
    return f"{project}/decisions"


def shadow_prefix(project: str) -> str:
    """Folder of what shadow versions said of a project's items."""
    return f"{project}/shadow"
