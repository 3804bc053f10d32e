"""A project: one decision problem, as operators state it and as services read it."""

from typing import Annotated, Any, ClassVar, Literal
from urllib.parse import urlsplit

from pydantic import (
    AfterValidator,
    Field,
    StringConstraints,
    ValidationInfo,
    field_validator,
)

from shared.contracts.base import Label, Message, ProjectName, Text, UtcTime, at_most, names_of
from shared.contracts.capacity import CapacitySettings
from shared.contracts.certificates import least_labels
from shared.contracts.gate_settings import GateSettings
from shared.contracts.items import canonical_digest
from shared.contracts.labelling import LabellingSettings, StoredLabellingSettings
from shared.contracts.review_settings import LabelDisplays, ReviewSettings, display_fault
from shared.contracts.versions import StoredDocument
from shared.fields.types import AnyField

MOST_CERTAIN = 1 - 1e-9
"""The highest target and confidence that a certificate can be planned and checked for."""

FieldName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z_][A-Za-z0-9_]{0,62}$")]
SevereDrift = Literal["suspend", "warn"]


class PromiseSettings(Message):
    """What automatic answers must keep, and how it is proven and watched.

    Traffic is the population of a certificate once it holds enough items, received over at least
    `min_population_span_seconds`: what came in one burst says little about a day. Certifications
    ask for at most `label_budget_per_period` labels in one period of `expires_days`; null stands
    for ten times `certification_labels`. `holdout_rate` of the traffic trains nothing for 30 days,
    so that what was decided before a version's labels were frozen can certify it. Drift raises the
    audit rate; a severe one suspends the promise, unless `on_severe_drift` is `warn`. Of a chosen
    batch `exploration_rate` is random.
    """

    must_be_provable: ClassVar[bool] = True

    target_accuracy: float = Field(default=0.95, gt=0.5, le=MOST_CERTAIN)
    confidence: float = Field(default=0.95, ge=0.5, le=MOST_CERTAIN)
    certification_labels: int = Field(default=500, ge=1, le=1_000_000, validate_default=True)
    certification_draws: int = Field(default=3, ge=1, le=100)
    audit_rate: float = Field(default=0.05, ge=0.0, le=1.0)
    exploration_rate: float = Field(default=0.1, ge=0.0, le=1.0)
    expires_days: float = Field(default=30, gt=0, le=3650)
    watch_grace_seconds: float = Field(default=21_600, ge=1, le=31_536_000)
    min_population_span_seconds: float = Field(default=3600, ge=0, le=31_536_000)
    label_budget_per_period: int | None = Field(default=None, ge=1, le=10_000_000)
    holdout_rate: float = Field(default=0.1, ge=0.0, le=0.5)
    on_severe_drift: Annotated[str, *names_of(SevereDrift)] = "suspend"

    @field_validator("certification_labels")
    @classmethod
    def _provable(cls, labels: int, info: ValidationInfo) -> int:
        target, confidence = info.data.get("target_accuracy"), info.data.get("confidence")
        if not cls.must_be_provable or target is None or confidence is None:
            return labels
        least = least_labels(target, confidence)
        if labels < least:
            raise ValueError(
                f"must be at least {least}: so many labels without an error prove an accuracy of "
                f"{target:.10g} at confidence {confidence:.10g}"
            )
        return labels

    @field_validator("label_budget_per_period")
    @classmethod
    def _holds_a_draw(cls, budget: int | None, info: ValidationInfo) -> int | None:
        labels = info.data.get("certification_labels")
        if budget is not None and labels is not None and budget < labels:
            raise ValueError(f"must be at least {labels}, which one draw takes")
        return budget


class StoredPromiseSettings(PromiseSettings):
    """The same in a stored project.

    Releases before took a target and confidence closer to 1, and any number of labels.
    """

    target_accuracy: float = Field(default=0.95, gt=0.5, lt=1.0)
    confidence: float = Field(default=0.95, ge=0.5, lt=1.0)
    must_be_provable: ClassVar[bool] = False


BUILT_IN_RECIPES = ("text-linear", "tabular", "image-small", "head", "auto")
"""The recipes of every trainer, which has a module of each name; packages may add others."""
RECIPE_PATTERN = r"^[a-z][a-z0-9]*(-[a-z0-9]+)*$"

# Whether a trainer has the recipe is asked where its recipes are known: when a project is stated
# (the review queue reads what the trainer has stored of them), and when a run is asked for.
RecipeName = Annotated[str, StringConstraints(pattern=RECIPE_PATTERN, max_length=50)]


class InstalledRecipes(Message):
    """``index/recipes.json``: the recipes that the trainer has, written by the trainer."""

    recipes: list[str] = Field(max_length=1000)


class TrainingSettings(Message):
    """What trains, when (`every_hours` null: no schedule), and whether a version needs approval."""

    recipe: RecipeName = "text-linear"
    min_new_labels: int = Field(default=200, ge=1, le=1_000_000_000)
    every_hours: float | None = Field(default=None, gt=0, le=8_760)
    auto_promote: bool = True
    gate: GateSettings = GateSettings()


class StoredTrainingSettings(TrainingSettings):
    """The same in a stored project: a later release may have more recipes."""

    recipe: str = "text-linear"


def _receiver(url: str) -> str:
    if not url.isascii() or any(character <= " " for character in url):
        raise ValueError("must be a URL in ASCII, percent-encoded where need be")
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise ValueError("must be a URL") from None
    if parts.scheme not in {"http", "https"} or not parts.hostname or port == 0:
        raise ValueError("must be an https URL with a host")
    if parts.username is not None or parts.password is not None or "#" in url:
        raise ValueError("must have neither user name, password nor fragment")
    return url


def _names_a_secret(reference: str) -> str:
    if reference.lower().startswith("whsec_"):
        raise ValueError("must name the secret, not hold it")
    return reference


# What the review queue tells receivers of; the last two come from the trainer's documents.
WebhookEvent = Literal[
    "outcome.resolved", "outcome.corrected", "promise.changed", "version.promoted"
]


class Webhook(Message):
    """A receiver of events. `secret_ref` names an environment variable or a file with its secret.

    Without `events` it gets all.
    """

    url: Annotated[str, StringConstraints(max_length=2000), AfterValidator(_receiver)]
    secret_ref: Annotated[
        str,
        StringConstraints(pattern=r"^[A-Za-z_][A-Za-z0-9_.-]{0,99}$"),
        AfterValidator(_names_a_secret),
    ]
    events: list[Annotated[str, *names_of(WebhookEvent)]] | None = Field(
        default=None, min_length=1, max_length=10
    )


class ProjectSpec(Message):
    """The body of ``PUT /v1/projects/{project}``."""

    title: Annotated[Text, StringConstraints(max_length=200)] = ""
    labels: list[Label] = Field(min_length=2, max_length=1000)
    fields: Annotated[dict[FieldName, AnyField], *at_most(100)] = Field(min_length=1)
    metadata: list[FieldName] = Field(default=[], max_length=100)
    instructions: Annotated[Text, StringConstraints(max_length=100_000)] = ""
    label_display: LabelDisplays = {}
    promise: PromiseSettings = PromiseSettings()
    review: ReviewSettings = ReviewSettings()
    training: TrainingSettings = TrainingSettings()
    labelling: LabellingSettings = LabellingSettings()
    capacity: CapacitySettings = CapacitySettings()
    webhooks: list[Webhook] = Field(default=[], max_length=10)
    retention_days: float = Field(default=90, gt=0, le=36_500)

    @field_validator("labels")
    @classmethod
    def _distinct(cls, labels: list[str]) -> list[str]:
        if len(set(labels)) != len(labels):
            raise ValueError("labels must be distinct")
        return labels

    @field_validator("review", "training")
    @classmethod
    def _names_metadata(cls, settings: Any, info: ValidationInfo) -> Any:
        is_review = isinstance(settings, ReviewSettings)
        name, keys = ("match", settings.match) if is_review else ("slices", settings.gate.slices)
        known = info.data.get("metadata")
        if known is not None and (unknown := [key for key in keys if key not in known]):
            raise ValueError(f"`{name}` names {unknown[0]!r}, which `metadata` does not have")
        return settings

    @field_validator("label_display")
    @classmethod
    def _of_its_labels(cls, displays: LabelDisplays, info: ValidationInfo) -> LabelDisplays:
        labels = info.data.get("labels")
        # Labels that are wrong are a fault of their own.
        fault = None if labels is None else display_fault(displays, labels)
        if fault is not None:
            raise ValueError(fault)
        return displays

    @field_validator("webhooks")
    @classmethod
    def _one_a_receiver(cls, webhooks: list[Webhook]) -> list[Webhook]:
        if len({webhook.url for webhook in webhooks}) != len(webhooks):
            raise ValueError("the URLs of webhooks must be distinct")
        return webhooks

    @property
    def certified_instructions(self) -> str:
        """The text of the instructions that a certificate is about."""
        return self.instructions


class Rewording(Message):
    """An operator's declaration that the instructions only say in other words what they said.

    `instructions` is the text that they reword, and that certificates remain about. `revision` is
    the newest revision of the project that was declared so, `declared_by` the operator.
    """

    instructions: Annotated[Text, StringConstraints(max_length=100_000)]
    revision: int = Field(ge=1)
    declared_by: str | None
    declared_at: UtcTime


class Project(ProjectSpec):
    """A project as it is stated: written by review_queue alone. An archived one is read-only.

    `first_revision` is the revision at which it was created: above 1 if an earlier project of its
    name was deleted. With `deleted_at` the document only says that there is no such project.
    """

    project: ProjectName
    promise: StoredPromiseSettings = StoredPromiseSettings()
    training: StoredTrainingSettings = StoredTrainingSettings()
    labelling: StoredLabellingSettings = StoredLabellingSettings()
    revision: int = Field(ge=1)
    instructions_revision: int = Field(default=1, ge=1)
    created_at: UtcTime
    updated_at: UtcTime
    rewording: Rewording | None = None
    archived_at: UtcTime | None = None
    first_revision: int = Field(default=1, ge=1)
    deleted_at: UtcTime | None = Field(default=None, exclude_if=lambda value: value is None)

    @property
    def certified_instructions(self) -> str:
        """The text of the instructions that a certificate is about: what they reword, if any."""
        return self.instructions if self.rewording is None else self.rewording.instructions


class ProjectDocument(Project, StoredDocument):
    """``PROJECT/project.json``: its epoch is above 0 once the review queue's database was restored.

    The project's row is locked while it is written, so there is no lease, and `writer` is 0.
    """

    revision: int = Field(ge=1)


def certified_members(project: ProjectSpec) -> dict[str, Any]:
    """Return all that a certificate is about: labels, fields, instructions, target, confidence."""
    return {
        "labels": project.labels,
        "fields": {name: field.certified() for name, field in project.fields.items()},
        "instructions": project.certified_instructions,
        "target_accuracy": project.promise.target_accuracy,
        "confidence": project.promise.confidence,
    }


def question_digest(project: ProjectSpec) -> str:
    """SHA-256 (hex) of what reviewers are asked, and whether they see suggestions.

    Answers to another question are no evidence, whatever is promised.
    """
    asked = {**certified_members(project), "blind": project.review.blind}
    del asked["target_accuracy"], asked["confidence"]
    return canonical_digest(asked)


def certificate_digest(project: ProjectSpec) -> str:
    """SHA-256 (hex) of all that a certificate is about (:func:`certified_members`).

    A certificate with another digest does not count: the project has changed since.
    """
    return canonical_digest(certified_members(project))
