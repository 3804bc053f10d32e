"""Checkpoints: how a trainer knows that it has read every decision made before a question.

A trainer requests a checkpoint: a number higher than every number before, in an index of the store.
Each process of the router then ships every row that it has appended, and acknowledges the number
in a document of its own. Once all have acknowledged it, every row appended before the request is
in the store. No clocks are compared. A process decides nothing before its document exists, and
removes the document when it stops with nothing left to ship.
"""

from shared.contracts.base import Message, UtcTime
from shared.contracts.changes import StoreIndex
from shared.store_index import INDEX_FOLDER, index_path

WRITER = "checkpoints"
"""Name of the index that trainers write the number to."""
ENTRY = "_checkpoint"
"""The index's one entry. No project's name begins with an underscore."""
BELL = "checkpoint"
"""Rung when a checkpoint was requested."""
INDEX_SUFFIX = "-checkpoints"
"""Ends the names of the indexes of routers that acknowledge checkpoints."""

_PREFIX = f"{INDEX_FOLDER}/replica-"


class Acknowledged(Message):
    """``index/replica-ID.json``: every row appended before `checkpoint` was requested is shipped.

    `written_at` is renewed every six hours while the process lives.
    """

    checkpoint: int
    written_at: UtcTime


def acknowledged_path(replica: str) -> str:
    """Path of the document of the process `replica`."""
    return index_path(f"replica-{replica}")


def is_acknowledged_path(path: str) -> bool:
    """Say whether `path` is that of the document of some process."""
    return path.startswith(_PREFIX)


def checkpoint_of(index: StoreIndex | None) -> int:
    """Return the newest checkpoint that was requested; 0 for none."""
    entry = None if index is None else index.documents.get(ENTRY)
    return 0 if entry is None else entry.revision
