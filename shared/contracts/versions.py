"""The trainer's documents in the store: manifest, channels, promise."""

from typing import Annotated, Any, Literal

from pydantic import Field

from shared.contracts.base import Label, Message, UtcTime

VERSION_PATTERN = r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}"

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
    signature: str | None = None


class Challenger(Message):
    """A version that gets a share of the traffic."""

    version: str
    share: float = Field(ge=0.0, le=1.0)


class ChannelEvent(Message):
    """When a version became champion."""

    champion: str
    live_at: UtcTime


class Channels(Message):
    """``channels.json``: the pointer that publication flips."""

    revision: int
    champion: str | None = None
    previous: str | None = None
    challenger: Challenger | None = None
    shadow: list[str] = []
    history: list[ChannelEvent] = []


class Certificate(Message):
    """The proof that a threshold keeps the promise.

    `digest` is :func:`shared.contracts.projects.certificate_digest` of the project that it was
    given for. `evidence` names the recorded population, the draw and the attempt.
    """

    target_accuracy: float
    confidence: float
    threshold: float
    labels: int
    errors: int
    upper_bound: float
    attempt: int
    delta: float
    digest: str
    model_sha256: str
    population: str
    certified_at: UtcTime
    evidence: dict[str, Any] = {}


class PromiseEntry(Message):
    """The state of the promise for one version. `threshold` is compared in float32."""

    state: PromiseState
    threshold: float | None = None
    expires_at: UtcTime | None = None
    watched_until: UtcTime | None = None
    certificate: Certificate | None = None


class PromiseDocument(Message):
    """``promise.json``: written before channels.json names a version."""

    revision: int
    target_accuracy: float
    confidence: float
    audit_rate: float
    audit_epoch: str
    versions: dict[str, PromiseEntry] = {}
