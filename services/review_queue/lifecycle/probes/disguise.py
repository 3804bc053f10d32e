"""What a reviewer is told of a gold item: what he would be told of any other (pure)."""

from datetime import datetime
from typing import Literal

from services.review_queue.tables.gold import ProbeRow
from shared.contracts.projects import Project
from shared.contracts.tasks import LeaseProgress, ShownOutcome, SkipBody, TaskState

# An open task that waits for an adjudicator, and no longer for reviewers.
StateAfter = TaskState | Literal["adjudication"]


def state_after_verdict(project: Project) -> TaskState:
    """Return what a first verdict makes of a task."""
    return "resolved" if project.review.overlap == 1 else "open"


def state_after_skip(project: Project, body: SkipBody) -> StateAfter:
    """Return what a first skip makes of a task."""
    if body.to == "others" and project.review.max_overlap == 1:
        return "resolved"
    return "adjudication" if body.to == "adjudicator" else "open"


def seen_state(probe: ProbeRow, now: datetime) -> TaskState:
    """Return the state that the task seems to have."""
    if probe.ending is None:
        return "leased" if probe.expires_at > now else "open"
    if probe.ending == "undo":
        return "open"
    return "resolved" if probe.state_after == "resolved" else "open"


def progress_of(probe: ProbeRow) -> LeaseProgress:
    """Return what seems to have become of the task by the end of this probe."""
    state = seen_state(probe, probe.ended_at or probe.expires_at)
    taken_back = probe.ending == "undo"
    outcome = None
    if state == "resolved" or (taken_back and probe.state_after == "resolved"):
        outcome = ShownOutcome(label=None if taken_back else probe.label, revision=probe.revision)
    return LeaseProgress(task_id=probe.task_id, state=state, outcome=outcome)
