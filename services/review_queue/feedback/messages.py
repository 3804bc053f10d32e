"""Messages of feedback."""

from typing import Annotated, Literal, Self

from pydantic import Field, StringConstraints, model_validator

from shared.contracts.base import Label, Message, Text, UtcTime

Remark = Annotated[Text, StringConstraints(min_length=1, max_length=10_000)]
About = Literal["item", "label", "instructions"]


class NewFeedback(Message):
    """The body of ``POST …/feedback``. `task_id` belongs to an item, `label` to a label."""

    about: About
    text: Remark
    task_id: str | None = Field(default=None, max_length=36)
    label: Label | None = None

    @model_validator(mode="after")
    def _complete(self) -> Self:
        if (self.about == "item") != (self.task_id is not None):
            raise ValueError("`task_id` belongs to feedback about an item, and to no other")
        if (self.about == "label") != (self.label is not None):
            raise ValueError("`label` belongs to feedback about a label, and to no other")
        return self


class FeedbackAnswer(Message):
    """The body of ``POST …/feedback/{feedback_id}/answer``."""

    text: Remark


class Feedback(Message):
    """One remark, and its answer; `instructions_revision` is what was in force.

    `item_id` is that of the task that the remark is about.
    """

    feedback_id: int
    about: About
    task_id: str | None
    item_id: str | None
    label: Label | None
    instructions_revision: int
    text: str
    author: str
    given_at: UtcTime
    answer: str | None
    answered_by: str | None
    answered_at: UtcTime | None


class FeedbackList(Message):
    """A page of feedback, newest first."""

    feedback: list[Feedback]
    cursor: str | None
