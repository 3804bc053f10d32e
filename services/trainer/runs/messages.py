"""Bodies of the runs' routes."""

from typing import Any, Literal

from shared.contracts.base import Message, UtcTime
from shared.contracts.projects import RecipeName

RunState = Literal["queued", "running", "succeeded", "failed", "cancelled"]
RunMode = Literal["initial", "fine_tune", "active"]


class RunRequest(Message):
    """The body of ``POST …/runs``.

    `recipe` null means the project's, `mode` null that the trainer chooses by the project's state.
    """

    mode: RunMode | None = None
    recipe: RecipeName | None = None


class RunView(Message):
    """One training run; `log`, its tail, and `report` are in the single view only.

    `report` is what the recipe tells of the training, in the manifest of the version too: `notes`
    are sentences, e.g. of labels with too few examples; recipe `auto` adds the recipes that it
    compared. `cause` says what began it (operator, labels, drift, schedule, upload), `reason` in
    words why, and why it has its `mode`; null for runs of the release before.
    """

    run_id: str
    state: RunState
    mode: str
    recipe: str
    progress: float
    version: str | None
    dataset_id: str | None
    detail: str | None
    requested_by: str
    created_at: UtcTime
    started_at: UtcTime | None
    finished_at: UtcTime | None
    cause: str | None = None
    reason: str | None = None
    log: str | None = None
    report: dict[str, Any] | None = None


class Runs(Message):
    """A page of runs, newest first."""

    runs: list[RunView]
    cursor: str | None
