"""How people review a project, and how its labels are shown to them."""

import re
from collections.abc import Collection, Mapping
from typing import Annotated, Self

from pydantic import AfterValidator, Field, StringConstraints, model_validator

from shared.contracts.base import Label, Message, Text, at_most

MetadataKey = Annotated[str, StringConstraints(pattern=r"^[A-Za-z_][A-Za-z0-9_]{0,62}$")]

# They are other commands at the reviewers' desk.
RESERVED_KEYS = frozenset("cfisuz")


class LabelDisplay(Message):
    """How reviewers see a label. No certificate is about it: the label itself stays as it is.

    `name` stands for the label on its button, `description` says when it applies, `color` is
    ``#rrggbb``, `key` the letter or digit that gives this answer.
    """

    name: Annotated[Text, StringConstraints(min_length=1, max_length=100)] | None = None
    description: Annotated[Text, StringConstraints(max_length=1000)] = ""
    color: Annotated[str, StringConstraints(pattern=r"^#[0-9a-fA-F]{6}$")] | None = None
    key: Annotated[str, StringConstraints(pattern=r"^[a-z0-9]$")] | None = None


LabelDisplays = Annotated[dict[Label, LabelDisplay], *at_most(1000)]


def display_fault(displays: Mapping[str, LabelDisplay], labels: Collection[str]) -> str | None:
    """Return what is wrong with the displays of a project's labels, if anything."""
    if unknown := [label for label in displays if label not in labels]:
        return f"{unknown[0]!r} is not a label of the project"
    keys = [display.key for display in displays.values() if display.key is not None]
    if twice := [key for key in keys if keys.count(key) > 1]:
        return f"the key {twice[0]!r} is that of several labels"
    if reserved := RESERVED_KEYS.intersection(keys):
        return f"the key {min(reserved)!r} is another command at the reviewers' desk"
    return None


MOST_MATCHED = 3
"""So many metadata keys decide who gets a task."""
MOST_TAGS = 12
_LONGEST_VALUE = 100
_TAG = re.compile(r"([A-Za-z_][A-Za-z0-9_]{0,62})=(.*\S.*)", re.DOTALL)


def tag_of(key: str, value: str) -> str:
    """Return ``key=value`` as it is compared: in lower case, white space as single spaces.

    A value counts by its first 100 characters.
    """
    return f"{key}={' '.join(value.casefold().split())[:_LONGEST_VALUE].rstrip()}"


def _tag(text: str) -> str:
    found = _TAG.fullmatch(text.strip())
    if found is None:
        raise ValueError("must be key=value, such as language=de")
    return tag_of(found[1], found[2])


Tag = Annotated[Text, StringConstraints(max_length=200), AfterValidator(_tag)]
"""What a reviewer can do, such as ``language=de``."""
Tags = Annotated[
    list[Tag], Field(max_length=MOST_TAGS), AfterValidator(lambda tags: sorted(set(tags)))
]


class ReviewSettings(Message):
    """How people review: overlap, blindness, lease and due times in seconds.

    A task is answered by `overlap` people at least, and by `max_overlap` at most. `sure` is how
    likely a label must be, given people who are known, for no more of them to be asked. Without
    `lease_seconds` a lease lasts three times as long as people here are at work on a task.

    Where the project has gold, a new reviewer answers `onboarding_tasks` of it first; then
    `gold_rate` of their tasks are gold, fewer as they become known. A reviewer who is credibly
    right less often than `least_accuracy` is paused; with null no reviewer is.

    With `blind` false, `unsuggested_rate` of the ordinary tasks show no suggestion all the same:
    evidence never shows one, and a missing suggestion must not give it away.

    `match` names metadata keys, such as ``language``. A task that comes with a value for one of
    them is given only to reviewers who have that tag (``language=de``).
    """

    overlap: int = Field(default=1, ge=1, le=100)
    max_overlap: int = Field(default=5, ge=1, le=100)
    sure: float = Field(default=0.99, gt=0.5, lt=1.0)
    blind: bool = True
    unsuggested_rate: float = Field(default=0.2, ge=0.05, le=1.0)
    lease_seconds: float | None = Field(default=None, ge=1, le=86_400)
    due_seconds: float = Field(default=3600, ge=0, le=31_536_000)
    gold_rate: float = Field(default=0.05, ge=0.0, le=1.0)
    onboarding_tasks: int = Field(default=0, ge=0, le=1000)
    least_accuracy: float | None = Field(default=None, gt=0.0, lt=1.0)
    match: list[MetadataKey] = Field(default=[], max_length=MOST_MATCHED)

    @model_validator(mode="after")
    def _bounded(self) -> Self:
        if self.overlap > self.max_overlap:
            raise ValueError("`overlap` is at most `max_overlap`")
        if len(set(self.match)) != len(self.match):
            raise ValueError("the keys of `match` must be distinct")
        return self
