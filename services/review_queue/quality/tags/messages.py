"""Messages of reviewers' tags."""

from shared.contracts.base import Message
from shared.contracts.review_settings import Tags


class TagsBody(Message):
    """The body of ``PUT …/reviewers/{reviewer}/tags``: all tags of the reviewer."""

    tags: Tags


class ReviewerTags(Message):
    """A reviewer's tags in a project, such as ``language=de``."""

    reviewer: str
    tags: list[str]
