"""Make recorded decisions again by the router's own rule, and compare: ``services replay``.

From the record come the probabilities, the mode of review and, where nothing could be answered,
why not. The threshold is that of the newest certificate given before the decision. The draw of
audits needs the routers' secret, so whether an item was drawn is taken from the record, and so is
whether a certified item was to wait for an optional review, since that depends on free reviewers.
"""

import asyncio
import sys
from dataclasses import dataclass

import numpy as np

from services.trainer.replay import Recorded, recorded
from services.trainer.settings import TrainerSettings
from shared.contracts.capacity import CapacitySettings
from shared.contracts.decisions import DecisionRow, Reason, ReviewMode
from shared.contracts.promise_status import PromiseStatus, as_float32
from shared.draws import Draw
from shared.problems import Problem
from shared.routing.decisions import (
    Decision,
    Policy,
    resolved_by_people,
    route,
)
from shared.routing.scores import Score
from shared.settings import CommonSettings, SettingsError

# Machines round float32 sums differently.
_TOLERANCE = 1e-4
_ALWAYS_WORTH_IT = CapacitySettings(price_review=0, price_error=1)
_REFUSALS: tuple[Reason, ...] = (
    "uncertified",
    "promise_suspended",
    "promise_expired",
    "no_model",
    "model_invalid",
)


@dataclass(frozen=True)
class Replayed:
    """What came of one decision: `same` is None where the record is not enough to say."""

    same: bool | None
    text: str


def replay(common: CommonSettings, settings: TrainerSettings, project: str, item_id: str) -> int:
    """Print what each decision of an item comes to; 0: the same, 1: another, or none to compare."""
    try:
        found = asyncio.run(recorded(common, settings, project, item_id))
    except Problem as problem:
        raise SettingsError(problem.detail or problem.title) from problem
    results = [replay_one(project, one) for one in found]
    for result in results:
        sys.stdout.write(f"{result.text}\n")
    if not results:
        sys.stdout.write("The ledger has no decision of this item.\n")
    is_same = bool(results) and all(result.same is not False for result in results)
    return 0 if is_same and any(result.same for result in results) else 1


def replay_one(project: str, one: Recorded) -> Replayed:
    """Make one decision again from its record, and say how it compares."""
    row = one.row
    again = _decide_again(project, one)
    head = f"{row.decided_at.isoformat()} {row.decision}, {row.reason}"
    if again is None:
        return Replayed(None, f"{head}: not replayed, the record is not enough. {_scores(one)}")
    differences = [
        f"{name} {new} instead of {old}"
        for name, old, new in (
            ("decision", row.decision, again.decision),
            ("reason", row.reason, again.reason),
            ("label", row.label, again.label),
            ("suggestion", row.suggestion, again.suggestion),
        )
        if new != old
    ]
    said = "another result: " + ", ".join(differences) if differences else "the same result"
    return Replayed(not differences, f"{head}: {said}. {_scores(one)}")


def _decide_again(project: str, one: Recorded) -> Decision | None:
    row = one.row
    score, labels = _score(row)
    status = _status(one)
    if status is None or (score is None and row.reason not in ("no_model", "model_invalid")):
        return None
    draw = Draw(b"", 1.0 if row.audited else 0.0)
    review: ReviewMode = "always" if row.review == "always" else "auto"
    if row.review == "never":
        review = "never"
    capacity = _ALWAYS_WORTH_IT if row.reason == "optional_review" else None
    again = route(row.item_id, score, Policy(project, labels, status, draw, review, capacity))
    if row.reason == "human" and row.label is not None:
        return resolved_by_people(again, row.label)
    return again


def _status(one: Recorded) -> PromiseStatus | None:
    """Return the promise that the router had; None where it is not on record."""
    for refusal in _REFUSALS:
        if one.row.reason == refusal:
            return PromiseStatus(refusal, refusal)
    if one.row.reason in ("forced", "human"):
        # People are asked whatever the promise says.
        return PromiseStatus("uncertified", "uncertified")
    if one.then.threshold is None:
        return None
    return PromiseStatus("certified", None, as_float32(one.then.threshold))


def _score(row: DecisionRow) -> tuple[Score | None, tuple[str, ...]]:
    if row.probabilities is None:
        return None, ()
    values = list(row.probabilities.values())
    top = int(np.argmax(values))
    return Score(top, values[top], values), tuple(row.probabilities)


def _scores(one: Recorded) -> str:
    """Say whether the stored model gives the recorded confidence again."""
    row, again = one.row, one.rescored
    if again.fault is not None:
        return f"Not scored again: {again.fault}."
    if again.label is None or again.confidence is None:
        return f"{row.model_version} cannot score the item."
    new = f"{again.label} with confidence {again.confidence:.6f}"
    if row.confidence is None:
        return f"{row.model_version} says {new} now; none was recorded."
    is_same = abs(again.confidence - row.confidence) <= _TOLERANCE
    is_same = is_same and again.label == (row.suggestion or row.label)
    told = "as recorded" if is_same else f"where {row.confidence:.6f} was recorded"
    return f"{row.model_version} says {new} now, {told}."
