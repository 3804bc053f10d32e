"""Epoch and revision of the next document at a path (pure).

Epochs are times, in seconds since 1970: the epoch that a restored database begins is later than
any that routers have seen, also of documents that were lost.
"""

from datetime import datetime

from shared.contracts.versions import Order, PromiseDocument


def next_epoch(own: int, stored: int, now: datetime) -> int:
    """Return an epoch later than this database's `own` and the `stored` one."""
    return max(int(now.timestamp()), own + 1, stored + 1)


def next_place(epoch: int, counted: int, stored: Order, now: datetime) -> tuple[int, int]:
    """Return the epoch and the revision of the next document at one path.

    Parameters
    ----------
    epoch, counted : at least 0
        What the database says: the epoch that it is in (0: none yet), the last revision that it
        has given to a document at this path.
    stored
        The place of the document in the store, read before them; all 0 for none.

    Returns
    -------
    A new epoch if there was none, or if the store has more than the database gave: then the
    database was restored. The revision is higher than both.
    """
    if epoch == 0 or stored[:2] > (epoch, counted):
        epoch = next_epoch(epoch, stored.epoch, now)
    return epoch, max(counted, stored.revision) + 1


def is_foreign(stored: PromiseDocument, epoch: int, audit_epoch: str | None) -> bool:
    """Say whether a trainer with another database writes the project's documents.

    Parameters
    ----------
    epoch, audit_epoch
        As the database has them; 0 and None if it does not know the project. The audit epoch is
        drawn with the project's row, so no two databases have the same, and a restored one keeps
        it.
    """
    return stored.audit_epoch != audit_epoch and stored.epoch >= epoch
