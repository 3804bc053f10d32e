"""What is sent and answered about projects."""

from dataclasses import dataclass
from typing import Annotated, Any, Literal

from pydantic import Field

from shared.contracts.base import Label, Message, at_most
from shared.contracts.projects import Project, ProjectSpec

# A client may send back what it read; the value is ignored.
_ReadOnly = Annotated[
    Any, Field(json_schema_extra={"readOnly": True}, description="Ignored: the service sets it.")
]


class ProjectStatement(ProjectSpec):
    """The body of ``PUT /v1/projects/{project}``: a project as ``GET`` gives it, or without the
    members that the service sets, which are ignored.

    With `wording_only` the operator declares that the instructions say the same in other words.
    `label_mapping` gives labels that the edit removes another name, of a label that it keeps or
    adds: answers and outcomes get it.
    """

    project: _ReadOnly = None
    revision: _ReadOnly = None
    instructions_revision: _ReadOnly = None
    created_at: _ReadOnly = None
    updated_at: _ReadOnly = None
    rewording: _ReadOnly = None
    archived_at: _ReadOnly = None
    first_revision: _ReadOnly = None
    deleted_at: _ReadOnly = None
    wording_only: bool = Field(default=False, json_schema_extra={"writeOnly": True})
    label_mapping: Annotated[dict[Label, Label], *at_most(1000)] = Field(
        default={}, json_schema_extra={"writeOnly": True}
    )

    def stated(self) -> dict[str, Any]:
        """Return the JSON of what the operator states of the project."""
        return self.model_dump(mode="json", include=set(ProjectSpec.model_fields))


@dataclass(frozen=True)
class EditTerms:
    """On which terms an edit applies: to `if_revision` only, unless it is None; and whether labels
    that tasks use may be removed.
    """

    if_revision: int | None = None
    allow_label_removal: bool = False


ANY_REVISION = EditTerms()


class ProjectList(Message):
    """A page of projects, by name."""

    projects: list[Project]
    cursor: str | None


class EditEffect(Message):
    """What an edit does to the project's certificates.

    `none`: no version has a certificate that holds for the project as it is. `labels_to_renew` is
    how many labels a new certification draws; 0 unless a certificate is ended.
    """

    certificate: Literal["kept", "ended", "none"]
    why: list[str]
    labels_to_renew: int


class MappedLabel(Message):
    """What becomes of a label that an edit maps.

    `votes` and `suggestions` are those of open tasks, `outcomes` those of resolved ones. Votes and
    outcomes get the label `to`; suggestions, which a model of the old labels made, are shown no
    more.
    """

    to: str
    votes: int
    suggestions: int
    outcomes: int


class ProjectPreview(Message):
    """The answer to a dry run: the project as it would be, and what the edit would do."""

    project: Project
    effect: EditEffect
    label_mapping: dict[str, MappedLabel] = {}
