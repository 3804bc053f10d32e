"""The trainer's documents in the store: manifest, channels, promise."""

from typing import Annotated, Any, Literal, NamedTuple, Self

from pydantic import (
    Field,
    ValidationError,
    ValidationInfo,
    ValidatorFunctionWrapHandler,
    WrapValidator,
    model_validator,
)

from shared.contracts.base import Label, Message, UtcTime, is_stored
from shared.contracts.human_error import LabelCeiling, LabelNoise

VERSION_PATTERN = r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}"

METHOD = "fixed-sequence-clopper-pearson"
"""How certificates are given today; a router answers under no other."""

PromiseState = Literal["certified", "warn", "suspended", "recertifying", "uncertified", "expired"]


class ImageNormalisation(Message):
    """What is subtracted from each channel of an image from 0 to 1, and what it is divided by."""

    mean: list[float] | None = Field(default=None, max_length=3)
    std: list[Annotated[float, Field(gt=0)]] | None = Field(default=None, max_length=3)


class ModelInput(Message):
    """One input tensor of the graph, fed from one field of the item, or from several side by side.

    `shape` begins with -1, the items; `image` belongs to an input that an image field feeds.
    """

    name: str
    field: str | Annotated[list[str], Field(min_length=1, max_length=10_000)]
    dtype: str
    shape: list[int] = Field(max_length=100)
    # Left out where there is none: a router of an older release reads such a manifest too.
    image: ImageNormalisation | None = Field(default=None, exclude_if=lambda value: value is None)

    @property
    def fields(self) -> list[str]:
        """Names of the fields that feed it, in the order of their values."""
        return [self.field] if isinstance(self.field, str) else self.field


class ModelInterface(Message):
    """What a graph takes in and gives out: columns of `outputs["probabilities"]` are `labels`."""

    labels: list[Label]
    inputs: list[ModelInput]
    outputs: dict[str, str]


class Manifest(ModelInterface):
    """``versions/V/manifest.json``: written last, so a folder that has it is complete."""

    version: str
    created_at: UtcTime
    model_sha256: str
    recipe: str
    dataset_id: str | None = None
    outcomes_cursor: str | None = None
    parent: str | None = None
    calibration: dict[str, Any] = {}
    metrics: dict[str, float] = {}
    # What the recipe tells people of the training; left out where it tells nothing.
    report: dict[str, Any] = Field(default={}, exclude_if=lambda value: not value)
    signature: str | None = None


class OutOfFold(Message):
    """``versions/V/out-of-fold.json``: what models said of labels that they had not learned from.

    One entry a training label, in the same order in each list: `labels` are the ones that people
    gave, `predicted` the model's, `confidences` its probability of that, `label_probabilities` of
    the given label.
    """

    item_ids: list[str]
    labels: list[Label]
    predicted: list[Label]
    confidences: list[float]
    label_probabilities: list[float]

    @model_validator(mode="after")
    def _parallel(self) -> Self:
        lists = (self.labels, self.predicted, self.confidences, self.label_probabilities)
        if any(len(one) != len(self.item_ids) for one in lists):
            raise ValueError("each list must have one entry an item")
        return self


class Order(NamedTuple):
    """The place of a document among all that were ever stored at its path."""

    epoch: int = 0
    revision: int = 0
    writer: int = 0

    def is_older_than(self, other: "Order") -> bool:
        """Say whether it was written before `other`, or by a trainer that had lost its lease."""
        return self[:2] < other[:2] or (self.epoch == other.epoch and self.writer < other.writer)


class StoredDocument(Message):
    """A document that is replaced.

    `epoch` begins anew when a database is restored, `revision` counts within it, `writer` is the
    fencing number of the lease that it was written under. Documents of the release before lack
    epoch and writer.
    """

    epoch: int = Field(default=0, ge=0)
    revision: int
    writer: int = Field(default=0, ge=0)

    @property
    def order(self) -> Order:
        """Its place among all documents at its path."""
        return Order(self.epoch, self.revision, self.writer)


class Newest:
    """The place of the newest document that was accepted at each path.

    It outlasts the documents: one that was away for a moment does not come back older.
    """

    def __init__(self) -> None:
        self._places: dict[str, Order] = {}

    def accept(self, path: str, document: StoredDocument) -> bool:
        """Say whether `document` is not older than those before it at `path`; remember it then."""
        if document.order.is_older_than(self.at(path)):
            return False
        self._places[path] = document.order
        return True

    def at(self, path: str) -> Order:
        """Return the place of the newest document at `path`."""
        return self._places.get(path, Order())


class Challenger(Message):
    """A version that gets a share of the traffic."""

    version: str
    share: float = Field(ge=0.0, le=1.0)


class ChannelEvent(Message):
    """When a version became champion."""

    champion: str
    live_at: UtcTime


class Channels(StoredDocument):
    """``channels.json``: the pointer that publication flips."""

    champion: str | None = None
    previous: str | None = None
    challenger: Challenger | None = None
    shadow: list[str] = []
    history: list[ChannelEvent] = []


class Window(Message):
    """When the traffic was received that labels were drawn from."""

    since: UtcTime
    until: UtcTime


class Certificate(Message):
    """The proof that a threshold keeps the promise.

    Of `labels` drawn, `accepted` lie at or above the threshold, and `errors` of these were wrong.
    `attempt` is the test's number in its period, in which all tests of the project share one delta
    (1 - `confidence`), whatever their versions. `delta` is the chance of error that this test
    spent, `delta_spent` that of the period's tests so far. `digest` is
    :func:`shared.contracts.projects.certificate_digest` of the project that it was given for.
    `evidence` names the recorded population, the draw and the attempt. `window` is None for labels
    from the pool. `label_noise` says whether `upper_bound` allows for what reviewers overlook.
    """

    # Certificates of the release before were all given by this method.
    method: str = METHOD
    target_accuracy: float
    confidence: float
    threshold: float
    labels: int
    accepted: int | None = None
    errors: int
    upper_bound: float
    attempt: int
    delta: float
    delta_spent: float | None = None
    digest: str
    model_sha256: str
    population: str
    certified_at: UtcTime
    window: Window | None = None
    # Certificates of the release before say nothing of human error.
    label_noise: LabelNoise | None = None
    label_ceiling: LabelCeiling | None = None
    evidence: dict[str, Any] = {}


class PromiseEntry(Message):
    """The state of the promise for one version. `threshold` is compared in float32.

    `audit_rate` takes the place of the document's for this version, where it is set. `why_not` says
    in words why the version may not answer, where it has a certificate. `unreadable`
    says why what is stored was read as uncertified.
    """

    state: PromiseState
    threshold: float | None = None
    expires_at: UtcTime | None = None
    watched_until: UtcTime | None = None
    certificate: Certificate | None = None
    audit_rate: float | None = Field(
        default=None, ge=0.0, le=1.0, exclude_if=lambda value: value is None
    )
    why_not: str | None = Field(default=None, exclude_if=lambda value: value is None)
    unreadable: str | None = Field(default=None, exclude=True)


def _or_uncertified(
    given: Any, validate: ValidatorFunctionWrapHandler, info: ValidationInfo
) -> PromiseEntry:
    """Read an entry of a stored document; one that this release cannot read certifies nothing."""
    try:
        entry: PromiseEntry = validate(given)
    except ValidationError as error:
        if not is_stored(info):
            raise
        fault = error.errors(include_url=False, include_input=False)[0]
        place = ".".join(map(str, fault["loc"]))
        return PromiseEntry(state="uncertified", unreadable=f"{place}: {fault['msg']}"[:200])
    return entry


class PromiseDocument(StoredDocument):
    """``promise.json``: written before channels.json names a version.

    Audits are drawn by a key that routers derive from their secret, `audit_epoch`, which tells the
    trainer's database as well, and `audit_day`, so another key draws on each day. `audit_day` is
    None where no version has a certificate.
    """

    target_accuracy: float
    confidence: float
    audit_rate: float
    audit_epoch: str
    audit_day: str | None = Field(default=None, exclude_if=lambda value: value is None)
    versions: dict[str, Annotated[PromiseEntry, WrapValidator(_or_uncertified)]] = {}
