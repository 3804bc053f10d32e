"""How the router refuses, beyond the problems that all services have."""

import math
from collections.abc import Iterable

from shared.problems import (
    BodyTooLarge,
    Conflict,
    Gone,
    NotFound,
    NotJson,
    Problem,
    TooManyRequests,
    Unavailable,
    Unprocessable,
)


class Overloaded(Unavailable):
    """More waits than can be answered in time."""

    kind = "overloaded"
    logged = False
    advice = (
        "Too many items are waiting; send the call again after `Retry-After` seconds, "
        "or to another router."
    )

    def __init__(self, retry_after_seconds: int) -> None:
        super().__init__(retry_after_seconds=retry_after_seconds)


class ModelTimedOut(Unavailable):
    """A run of the model was ended at its deadline, or is overdue."""

    kind, title = "model-timed-out", "Model took too long"

    def __init__(self, version: str, seconds: float) -> None:
        super().__init__(
            f"Version {version} took longer than {seconds:g} seconds over a batch; send the call "
            "again with fewer or smaller items, and tell an operator if it recurs.",
            retry_after_seconds=math.ceil(seconds),
        )


class SpoolFull(Unavailable):
    """The spool has no room."""

    kind = "spool-full"
    logged = False
    advice = (
        "The review queue is away and the spool is full, so no item was accepted; "
        "send the call again."
    )
    retry_after_seconds = 5


class SpoolUnavailable(Unavailable):
    """Neither the review queue nor the spool took the tasks."""

    kind = "spool-unavailable"
    advice = (
        "Neither the review queue nor the spool could store the tasks, so no item was accepted; "
        "send the call again."
    )
    retry_after_seconds = 5


class ProjectNotFound(NotFound):
    """There is no such project in the store."""

    def __init__(self, project: str) -> None:
        super().__init__("Create the project at the review queue first.", project=project)


class VersionNotFound(NotFound):
    """There is no complete folder of such a version in the store."""

    kind, title = "version-not-found", "No such model version"

    def __init__(self, version: str) -> None:
        super().__init__("Name a version that the trainer lists.", version=version)


class StoreUnreachable(Unavailable):
    """The store cannot be read."""

    kind, advice = "store-unreachable", "The store cannot be read; ask again."


class VersionNotReady(Unavailable):
    """The version cannot score now; `version` None: there is none that could."""

    kind, title = "version-not-ready", "Model version not ready"

    def __init__(self, version: str | None, why: str) -> None:
        super().__init__(
            f"{f'Version {version}' if version else 'No version'} cannot score: {why}."
        )
        self.extensions.update(version=version)


class ItemConflict(Conflict):
    """Items of the call are known to people with other data."""

    kind = "item-conflict"

    def __init__(self, errors: Iterable[tuple[str, str]]) -> None:
        listed = [{"pointer": pointer, "detail": fault} for pointer, fault in errors]
        super().__init__(
            "Give new data a new item_id, or send the data that people were asked about.",
            errors=listed,
        )


class ItemErased(Gone):
    """The item was erased on request."""

    kind, title = "item-erased", "Item was erased"

    def __init__(self, item_id: str) -> None:
        super().__init__(
            "The item was erased on request, and its id is not used again.", item_id=item_id
        )


class QueueUnreachable(Unavailable):
    """The review queue is away."""

    kind, advice = "review-queue-unreachable", "The review queue is away; ask again."


class MalformedInference(Problem):
    """A call of infer that does not say what is to be inferred."""

    kind, title, status = "malformed-inference", "Malformed inference request", 400

    def __init__(self, pointer: str, fault: str) -> None:
        super().__init__(
            "Send an Open Inference Protocol request.",
            errors=[{"pointer": pointer, "detail": fault}],
        )


class TrainerUnreachable(Unavailable):
    """The trainer is away."""

    kind, advice = "trainer-unreachable", "The trainer is away; ask again."


class OutcomeUnsettled(Unavailable):
    """An item without a known decision may have one that the ledger has not read yet."""

    kind = "outcome-unsettled"
    retry_after_seconds = 2

    def __init__(self, why: str) -> None:
        super().__init__(
            f"It is not certain yet that the item is unknown, because {why}. Send the call again."
        )


# What a call that scores and routes items may be refused with, in any protocol.
PREDICT_PROBLEMS = (
    *(NotJson, ItemConflict, BodyTooLarge, Unprocessable, TooManyRequests, StoreUnreachable),
    *(VersionNotReady, ModelTimedOut, Overloaded, SpoolFull, SpoolUnavailable),
)
