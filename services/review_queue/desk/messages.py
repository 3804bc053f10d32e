"""Messages of the desk."""

from pydantic import Field

from shared.contracts.base import Data, Label, Message, Metadata, UtcTime
from shared.contracts.tasks import LaneName, TaskState


class Acknowledgement(Message):
    """Says that a reviewer has read a revision of the instructions."""

    revision: int = Field(ge=1, le=2_147_483_647)


class PauseNotice(Message):
    """Why a reviewer gets no tasks, and since when."""

    reason: str
    paused_at: UtcTime


class Standing(Message):
    """Whether a reviewer may begin.

    `read_revision` is the newest revision of the instructions that the reviewer has read, 0 for
    none. `has_read` is true also where the project has no instructions.
    """

    reviewer: str
    instructions_revision: int
    read_revision: int
    has_read: bool
    pause: PauseNotice | None


class Progress(Message):
    """What waits in the queue, and what one reviewer did since a moment."""

    open: int
    leased: int
    verdicts: int
    skips: int


class LabelCount(Message):
    """How often a reviewer gave a label."""

    label: Label
    answers: int


class LabelCounts(Message):
    """A reviewer's answers by label, the most frequent first."""

    labels: list[LabelCount]


class CaseAnswer(Message):
    """What one reviewer said of a task; a skip has no `label`, and its reason is the `comment`."""

    reviewer: str
    label: Label | None
    skipped: bool
    comment: str | None
    given_at: UtcTime


class Case(Message):
    """A task that waits for an adjudicator, with the answers that stand, oldest first."""

    task_id: str
    item_id: str
    lane: LaneName
    state: TaskState
    revision: int
    created_at: UtcTime
    data: Data
    metadata: Metadata
    answers: list[CaseAnswer]


class CaseList(Message):
    """A page of tasks that wait for an adjudicator, oldest first."""

    adjudications: list[Case]
    cursor: str | None
