"""The object store's documents: read, verify, replace atomically.

A reader sees the old bytes or the new ones, never a mixture. Every document has one writer at a
time (ADR 18); `replace` keeps out one that was paused and does not know that it is no longer that.
"""

import asyncio
import contextlib
import fcntl
import hashlib
import io
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import datetime
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import unquote, urlsplit

import obstore
import structlog
from obstore.exceptions import AlreadyExistsError, GenericError, PreconditionError
from obstore.store import LocalStore, ObjectStore, from_url
from pydantic import BaseModel

from shared.contracts.base import read_stored
from shared.telemetry import STORE_REQUESTS

log = structlog.get_logger()

Document = TypeVar("Document", bound=BaseModel)

_PROBE_BYTES = 4096
_PIECE_BYTES = 64 * 1024
_PART_BYTES = 8 * 1024 * 1024
# At the root, beside the projects' folders: no project's name begins with a point.
_LOCK_FILE = ".replacing"


class Replaced(Exception):  # noqa: N818 - says what another writer did
    """Another writer replaced the document since it was read; nothing was written."""


class StoredFile(io.RawIOBase):
    """Reads an object of the store from its start; `position` is how many bytes were read.

    Wrap it in `io.BufferedReader`. Each read may be a request: call it in a thread.
    """

    def __init__(self, source: Any) -> None:
        self._source = source
        self.position = 0

    def readable(self) -> bool:
        """Say that it can be read."""
        return True

    def readinto(self, buffer: Any) -> int:
        """Fill `buffer` as far as possible; 0 at the end."""
        piece = bytes(self._source.read(len(buffer)))
        buffer[: len(piece)] = piece
        self.position += len(piece)
        return len(piece)


class Store:
    """Documents under one root, on a local folder, S3, GCS or Azure."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        self._folder: Path | None = None
        if parts.scheme == "file":
            self._folder = Path(unquote(parts.path))
            self._folder.mkdir(parents=True, exist_ok=True)
            self._store: ObjectStore = LocalStore(self._folder, automatic_cleanup=True)
        else:
            self._store = from_url(url)
        self._has_conditions = True

    async def read(self, path: str) -> bytes | None:
        """Return the bytes at `path`; None when there is nothing."""
        return (await self.read_tagged(path))[0]

    async def read_tagged(self, path: str) -> tuple[bytes | None, str | None]:
        """Return the bytes at `path`, and the tag by which `replace` knows them; None for none."""
        STORE_REQUESTS.labels("get").inc()
        try:
            result = await obstore.get_async(self._store, path)
        except FileNotFoundError:
            return None, None
        return bytes(await result.bytes_async()), result.meta["e_tag"]

    async def stream(self, path: str) -> AsyncIterator[bytes] | None:
        """Return the bytes at `path` as they come, in pieces; None when there is nothing."""
        STORE_REQUESTS.labels("get").inc()
        try:
            result = await obstore.get_async(self._store, path)
        except FileNotFoundError:
            return None
        return (bytes(piece) async for piece in result.stream(_PIECE_BYTES))

    async def size(self, path: str) -> int | None:
        """Return how many bytes are at `path`; None when there is nothing."""
        STORE_REQUESTS.labels("get").inc()
        try:
            return (await obstore.head_async(self._store, path))["size"]
        except FileNotFoundError:
            return None

    def reader(self, path: str) -> StoredFile:
        """Return what is at `path` as a file to be read in a thread, a piece at a time.

        Raises `FileNotFoundError`: there is nothing.
        """
        STORE_REQUESTS.labels("get").inc()
        return StoredFile(obstore.open_reader(self._store, path))

    @contextlib.asynccontextmanager
    async def writing(self, path: str) -> AsyncIterator[Callable[[bytes], Awaitable[object]]]:
        """Give a function that appends to a file at `path`, which is there once the block ends.

        It is put in parts: no more than one of them is in memory. A block that raises leaves none.
        """
        STORE_REQUESTS.labels("put").inc()
        writer = obstore.open_writer_async(self._store, path, buffer_size=_PART_BYTES)
        try:
            async with writer:
                yield writer.write
        except OSError as error:
            # Of a store that takes nothing a writer raises this kind itself, without a number; a
            # put raises an error of the store.
            if type(error) is not OSError or error.errno is not None:
                raise
            raise GenericError(str(error)) from error

    async def replace(self, path: str, body: bytes, tag: str | None) -> str | None:
        """Put `body` in the place of what `read_tagged` found under `tag` (None: of nothing).

        Returns
        -------
        The tag of `body`.

        Raises
        ------
        Replaced
            Something else is there by now.
        """
        STORE_REQUESTS.labels("put").inc()
        if self._folder is not None:
            return await asyncio.to_thread(self._replace_locally, path, body, tag)
        if self._has_conditions:
            try:
                put = await obstore.put_async(
                    self._store, path, body, mode="create" if tag is None else {"e_tag": tag}
                )
                return put["e_tag"]
            except (AlreadyExistsError, PreconditionError) as error:
                raise Replaced(path) from error
            except NotImplementedError:
                self._has_conditions = False
                log.warning("store_without_conditions", effect="replacements are not conditional")
        return (await obstore.put_async(self._store, path, body))["e_tag"]

    def _replace_locally(self, path: str, body: bytes, tag: str | None) -> str | None:
        """Look and put under a lock of all processes on this folder, which has no conditions."""
        assert self._folder is not None
        with (self._folder / _LOCK_FILE).open("wb") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            try:
                found = obstore.head(self._store, path)["e_tag"]
            except FileNotFoundError:
                found = None
            if found != tag:
                raise Replaced(path)
            return obstore.put(self._store, path, body)["e_tag"]

    async def write(self, path: str, body: bytes) -> None:
        """Put `body` at `path`, replacing atomically what was there."""
        STORE_REQUESTS.labels("put").inc()
        await obstore.put_async(self._store, path, body)

    async def probe(self, service: str) -> None:
        """Write something that `service` alone writes; raise what a write raises.

        At the root, where no project's folder can be: their names begin with a letter. As much as a
        disk gives room for at a time: a full one still takes an empty file.
        """
        await self.write(f"_{service}", bytes(_PROBE_BYTES))

    async def read_document(self, path: str, kind: type[Document]) -> Document | None:
        """Return the JSON document at `path` as `read_stored` does; None when there is none."""
        body = await self.read(path)
        return None if body is None else read_stored(kind, body)

    async def write_document(self, path: str, document: BaseModel) -> None:
        """Put `document` at `path` as JSON."""
        await self.write(path, document.model_dump_json().encode())

    async def folders(self, prefix: str = "") -> list[str]:
        """Return the names of the folders directly under `prefix`, sorted."""
        found = (await self._listed(prefix or None))["common_prefixes"]
        return sorted(name.rstrip("/").rsplit("/", 1)[-1] for name in found)

    async def files(self, prefix: str) -> list[str]:
        """Return the paths of all files under `prefix`, sorted."""
        STORE_REQUESTS.labels("list").inc()
        return sorted(
            [entry["path"] async for batch in obstore.list(self._store, prefix) for entry in batch]
        )

    async def tags(self, folder: str) -> dict[str, str]:
        """Return the tags of the files directly in `folder`, by path: each change has another."""
        return {
            entry["path"]: entry["e_tag"] or f"{entry['last_modified']}-{entry['size']}"
            for entry in (await self._listed(folder))["objects"]
        }

    async def modified(self, folder: str) -> dict[str, datetime]:
        """Return when each file directly in `folder` was put, by path, by the store's clock."""
        found = (await self._listed(folder))["objects"]
        return {entry["path"]: entry["last_modified"] for entry in found}

    async def _listed(self, folder: str | None) -> Any:
        STORE_REQUESTS.labels("list").inc()
        return await obstore.list_with_delimiter_async(self._store, folder)

    async def delete(self, path: str) -> None:
        """Remove what is at `path`, if anything."""
        STORE_REQUESTS.labels("delete").inc()
        with contextlib.suppress(FileNotFoundError):
            await obstore.delete_async(self._store, path)


def sha256(body: bytes) -> str:
    """Return the SHA-256 digest of `body` in hex."""
    return hashlib.sha256(body).hexdigest()


def _of_project(name: str) -> Callable[[str], str]:
    """Return what gives a project's own path of `name`."""
    return lambda project: f"{project}/{name}"


def _of_version(name: str) -> Callable[[str, str], str]:
    """Return what gives the path of `name` in the folder of a project's version."""
    return lambda project, version: f"{project}/versions/{version}/{name}"


RECIPES_PATH = "index/recipes.json"
"""Path of the document that names the trainer's recipes."""
project_path = _of_project("project.json")
"""Path of a project's own document."""
channels_path = _of_project("channels.json")
"""Path of a project's channels."""
promise_path = _of_project("promise.json")
"""Path of a project's promise."""
first_labels_path = _of_project("first-labels.json")
"""Path of what cross-fitting said of the first labels, before there was a version."""
encoder_path = _of_project("encoder.json")
"""Path of the document that names a project's own encoder."""
encoder_folder = _of_project("encoders")
"""Folder of the graphs of a project's own encoders."""
decisions_prefix = _of_project("decisions")
"""Folder of a project's decision log."""
shadow_prefix = _of_project("shadow")
"""Folder of what shadow versions said of a project's items."""
manifest_path = _of_version("manifest.json")
"""Path of a version's manifest."""
model_path = _of_version("model.onnx")
"""Path of a version's ONNX graph."""
out_of_fold_path = _of_version("out-of-fold.json")
"""Path of what a version's cross-fitting said of its training labels."""


def encoder_model_path(project: str, digest: str) -> str:
    """Path of an encoder's graph, by its SHA-256."""
    return f"{encoder_folder(project)}/{digest}.onnx"
