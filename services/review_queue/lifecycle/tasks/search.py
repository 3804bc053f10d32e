"""What a search of tasks asks for (pure)."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Self

from shared.contracts.projects import Project
from shared.problems import Unprocessable

# Tasks that one call looks through.
SEARCHED = 20_000
_READABLE = {"text", "category"}


@dataclass(frozen=True)
class TaskSearch:
    """Tasks whose id, or one of whose text `fields`, contains `text`, and that have `metadata`."""

    text: str | None
    metadata: Mapping[str, str]
    fields: tuple[str, ...] = ()

    @classmethod
    def of(cls, text: str | None, pairs: list[str]) -> Self:
        """Return the search of a query; `pairs` are ``key:value``.

        Raises `Unprocessable`: one of them is not.
        """
        if any(":" not in pair for pair in pairs):
            raise Unprocessable([("/query/metadata", "must be a key and a value: `channel:web`")])
        return cls(text or None, dict(pair.split(":", 1) for pair in pairs))

    @property
    def is_any(self) -> bool:
        """Whether anything is searched for."""
        return self.text is not None or bool(self.metadata)

    def within(self, project: Project) -> Self:
        """Return the search with the project's fields.

        Raises `Unprocessable`: the project has no such metadata.
        """
        if unknown := self.metadata.keys() - set(project.metadata):
            fault = f"the project has no metadata {min(unknown)!r}"
            raise Unprocessable([("/query/metadata", fault)])
        fields = tuple(name for name, one in project.fields.items() if one.type in _READABLE)
        return replace(self, fields=fields)
