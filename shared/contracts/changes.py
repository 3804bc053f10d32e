"""What changed, over all projects: the feed of a service, and the index of a writer's documents."""

from typing import Annotated, Literal, NamedTuple

from pydantic import Field

from shared.contracts.base import Message, names_of
from shared.contracts.versions import StoredDocument

ChangeKind = Literal["project", "outcomes", "channels", "promise"]


class Change(Message):
    """The newest revision of one document, or the last place of one project's outcomes feed."""

    project: str
    kind: Annotated[str, *names_of(ChangeKind)]
    revision: int


class ChangeFeed(Message):
    """A page of ``GET /v1/changes``: each project and kind at most once."""

    changes: list[Change]
    cursor: str


class IndexEntry(NamedTuple):
    """A document's `epoch` and `revision`, and the `number` of the index that first had them."""

    epoch: int
    revision: int
    number: int


class StoreIndex(StoredDocument):
    """``index/WRITER.json``: the place of each document that the writer has stored, by path.

    `revision` counts the replacements of the index. A new `epoch` begins when an older index than
    the writer's last one is found in the store, or none.
    """

    documents: dict[str, IndexEntry] = Field(default={})
