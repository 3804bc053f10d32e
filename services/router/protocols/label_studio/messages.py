"""What Label Studio sends, as far as it matters here, and what it is answered.

Label Studio says more with every release: what is not named here is let be.
"""

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

from shared.contracts.base import MAX_BATCH


class _Sent(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True, protected_namespaces=())


class SetupRequest(_Sent):
    """The body of ``POST /setup``; the access token in it is not kept."""

    label_config: str = Field(default="", alias="schema")


class LabelStudioTask(_Sent):
    """One task: its number there, and its data."""

    id: int | None = None
    data: dict[str, Any]


class PredictionRequest(_Sent):
    """The body of ``POST /predict``."""

    tasks: Annotated[list[LabelStudioTask], Field(min_length=1, max_length=MAX_BATCH)]
    label_config: str


class LabelStudioProject(_Sent):
    """The project that an event speaks of."""

    label_config: str


class Annotation(_Sent):
    """What an annotator answered; `lead_time` in seconds, people by their number."""

    result: list[dict[str, Any]] = Field(default=[], max_length=MAX_BATCH)
    completed_by: int | None = None
    updated_by: int | None = None
    lead_time: float | None = None
    was_cancelled: bool = False


class AnnotationEvent(_Sent):
    """The body of ``POST /webhook`` when an annotation was created or updated."""

    annotation: Annotation
    task: LabelStudioTask
    project: LabelStudioProject


class Event(BaseModel):
    """The body of ``POST /webhook``: what an action is about depends on it."""

    model_config = ConfigDict(extra="allow", frozen=True)

    action: str


class _Answer(BaseModel):
    model_config = ConfigDict(protected_namespaces=())


class Health(_Answer):
    """The answer of ``GET /health``."""

    status: str = "UP"
    model_class: str = "Surehand"


class Setup(_Answer):
    """The answer of ``POST /setup``; null while no version serves."""

    model_version: str | None


class ModelVersions(_Answer):
    """The answer of ``GET /versions``."""

    versions: list[str]


class PreAnnotation(_Answer):
    """One task's pre-annotation; `result` is empty where its data cannot be scored."""

    model_version: str
    score: float | None
    result: list[dict[str, Any]]
    error: str | None = None


class PreAnnotations(_Answer):
    """The answer of ``POST /predict``, in the order of the tasks."""

    results: list[PreAnnotation]


class EventReceipt(_Answer):
    """The answer of ``POST /webhook``. `job` is the run that was started."""

    status: str
    item_id: str | None = None
    task_id: str | None = None
    label: str | None = None
    job: str | None = None
