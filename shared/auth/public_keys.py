"""The folder of public keys that tokens are verified with, read again when it changes."""

import contextlib
import os
from collections.abc import Iterable, Iterator
from pathlib import Path

import structlog
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from shared.logs import cause_of

log = structlog.get_logger()

_SUFFIX = ".pem"


class PublicKeys:
    """The Ed25519 keys in `folder`, ``KID.pem`` each, as `reload` has found them last."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._keys: dict[str, Ed25519PublicKey] = {}
        self._seen: dict[str, tuple[int, int]] = {}

    def get(self, kid: str) -> Ed25519PublicKey | None:
        """Return the key of this id."""
        return self._keys.get(kid)

    def reload(self) -> bool:
        """Read the keys if one was added, removed or replaced since; say whether that was so."""
        try:
            seen = _files_in(self._folder)
        except OSError as error:
            # Which keys a failing disk still has is not known: those that were trusted stay so.
            log.warning("public_keys_unreadable", cause=cause_of(error))
            return False
        if seen == self._seen:
            return False
        self._seen = seen
        self._keys = dict(_read(self._folder, sorted(seen)))
        return True


def _files_in(folder: Path) -> dict[str, tuple[int, int]]:
    """Return the key files by name, with what changes when one is replaced; none of no folder."""
    found = {}
    with contextlib.suppress(FileNotFoundError), os.scandir(folder) as entries:
        for entry in entries:
            # A file may go meanwhile; a link that leads nowhere is none.
            with contextlib.suppress(FileNotFoundError):
                if entry.name.endswith(_SUFFIX):
                    status = entry.stat()
                    found[entry.name] = (status.st_ino, status.st_ctime_ns)
    return found


def _read(folder: Path, names: Iterable[str]) -> Iterator[tuple[str, Ed25519PublicKey]]:
    for name in names:
        try:
            key = serialization.load_pem_public_key((folder / name).read_bytes())
        except (ValueError, UnsupportedAlgorithm, OSError) as error:
            # Half written, unreadable, or no key: the others are trusted all the same.
            log.warning("public_key_unreadable", file=name, cause=cause_of(error))
            continue
        if isinstance(key, Ed25519PublicKey):
            yield name.removesuffix(_SUFFIX), key
