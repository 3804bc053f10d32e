"""Messages of erased items and deleted projects."""

from shared.contracts.base import Message, UtcTime


class ProjectDeletion(Message):
    """The answer to a deletion: the same however often it is asked for."""

    project: str
    deleted_at: UtcTime


class Tombstone(Message):
    """What is left of an erased item.

    `asked` is whether people had been asked about it: false where the review queue did not know it
    (it may have been answered by a model, or not exist at all). `revision` is that of the outcome
    which tells of the erasure.
    """

    item_id: str
    task_id: str
    erased_at: UtcTime
    erased_by: str
    reason: str | None
    asked: bool
    revision: int
