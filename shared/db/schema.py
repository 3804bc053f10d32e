"""Which schemas of a database a release can work with.

A migration's revision is its number, and its file is named by it: `0012_feed_epochs.py`. Migrations
only expand, so that the release before goes on working beside a newer schema. One after which it
cannot names the oldest revision whose release still can: `0015-from-0013`; those after it keep that
part, or name a later one.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

_REVISION = re.compile(r"([0-9]{4})(?:-from-([0-9]{4}))?")

Standing = Literal["current", "behind", "ahead", "unusable"]


@dataclass(frozen=True)
class Schema:
    """The revision that a database is at, None for none, against those that a release knows."""

    current: str | None
    known: Sequence[str]

    @property
    def newest(self) -> str:
        """The newest revision that the release knows."""
        return self.known[-1]

    @property
    def standing(self) -> Standing:
        """Whether the release can work with the schema.

        `ahead` is a newer schema that it can work with, `unusable` one that it cannot.
        """
        if self.current == self.newest:
            return "current"
        if self.current is None or self.current in self.known:
            return "behind"
        found = _REVISION.fullmatch(self.current)
        if found is None or found[1] <= _number(self.newest):
            return "unusable"
        return "ahead" if (found[2] or "") <= _number(self.newest) else "unusable"

    def fault(self, service: str) -> str | None:
        """Say why `service` cannot work with the schema, and what to do; None where it can."""
        match self.standing:
            case "behind":
                at = "has no tables" if self.current is None else f"is at revision {self.current}"
                return f"the database {at}: run `python -m services migrate {service}`"
            case "unusable":
                return (
                    f"the database is at revision {self.current}, which this release (revision"
                    f" {self.newest}) cannot work with: run the release that migrated it"
                )
        return None


class UnusableSchema(Exception):  # noqa: N818 - says what is found
    """The schema of a database is too new for this release."""

    def __init__(self, schema: Schema) -> None:
        super().__init__(schema.current)
        self.schema = schema


def known_revisions(scripts: Path) -> list[str]:
    """Return the revisions in the Alembic folder `scripts`, oldest first."""
    return sorted(file.name.partition("_")[0] for file in (scripts / "versions").glob("[0-9]*.py"))


def _number(revision: str) -> str:
    return revision.partition("-")[0]
