"""What the API says of drift."""

import asyncio
import math
from collections.abc import Sequence

import numpy as np

from services.trainer.ledger.lookup import drift_began_at
from services.trainer.monitoring.drift import detector as detection
from services.trainer.monitoring.drift import repository
from services.trainer.monitoring.drift.detector import FloatArray
from services.trainer.monitoring.drift.effects import estimated_accuracy, share_band
from services.trainer.monitoring.drift.messages import (
    AccuracyEstimate,
    DriftPoint,
    DriftView,
    LabelShare,
    StreamView,
)
from services.trainer.monitoring.drift.repository import Decided, watched_of
from services.trainer.monitoring.drift.streams import words_of
from services.trainer.monitoring.drift.watching import Watched
from services.trainer.projects.repository import read_state
from services.trainer.resources import Resources
from services.trainer.tables import DriftWatch
from shared.contracts.base import from_stored
from shared.contracts.projects import Project

# Decisions whose probabilities are read for the labels' shares, before and since.
_READ = 1_000
_NOT_WATCHED = "Nothing is watched for drift yet: no version has scored an item."


async def describe(resources: Resources, project: Project) -> DriftView:
    """Say whether the champion's items have changed, how, and what its confidences say of it."""
    name = project.project
    async with resources.database.reading() as session:
        state = await read_state(session, name)
        version = None if state is None else state.champion
        watch = None if version is None else await session.get(DriftWatch, (name, version))
        if version is None or watch is None or not watch.items:
            return DriftView(
                version=version,
                level="none" if version is None else "learning",
                sentence=_NOT_WATCHED,
                alarm_at=detection.ITEMS,
            )
        watched = watched_of(watch)
        began = _recent_from(watched)
        before = await repository.decisions_before(session, watch, began, _READ)
        since = await repository.decisions_before(session, watch, watch.position + 1, _READ)
        began_at = await drift_began_at(session, watch)
    recent = [one for one in since if one.place >= began]
    labels = await asyncio.to_thread(_label_shares, project.labels, before, recent)
    return DriftView(
        version=version,
        level=watched.level,
        sentence=_sentence(watch, watched),
        items=watched.items,
        statistic=watched.detector.statistic,
        alarm_at=detection.ITEMS,
        began_at=began_at,
        found_at=watch.alarmed_at,
        changed=None if watch.alarm is None else watch.streams[watch.alarm["stream"]],
        recent_items=len(watched.since(began)),
        streams=_streams(watch, watched, began),
        history=_history(watch, watched),
        labels=labels,
        accuracy=_accuracy(watched, began),
    )


def _recent_from(watched: Watched) -> int:
    """Return the place from which on decisions are recent: that of the change, if there is one."""
    if watched.detector.alarm is not None:
        return watched.detector.alarm.began
    return int(watched.recent_places[0]) if len(watched.recent_places) else 0


def _sentence(watch: DriftWatch, watched: Watched) -> str:
    alarm = watched.detector.alarm
    if alarm is not None:
        what = words_of(watch.streams[alarm.stream])
        how = "Severe drift" if watched.is_severe else "Drift"
        return f"{how}: the items that come now differ from those before, most in their {what}."
    if watched.level == "learning":
        left = detection.FIRST - len(watched.detector.first)
        return f"{left} more items are needed before drift can be found."
    return f"No drift was found in {watched.items} items."


def _streams(watch: DriftWatch, watched: Watched, began: int) -> list[StreamView]:
    views = []
    recent = watched.since(began)
    for place, name in enumerate(watch.streams):
        mean, spread = _mean_and_spread(watched, place)
        new = recent[:, place][np.isfinite(recent[:, place])]
        now = float(new.mean()) if len(new) else None
        shift = None
        if mean is not None and now is not None and spread:
            shift = (now - mean) / spread
        views.append(
            StreamView(
                name=name,
                words=words_of(name),
                mean_before=mean,
                deviation_before=spread,
                mean_recent=now,
                shift=shift,
                stability_index=watched.shift_of(place, began),
            )
        )
    return views


def _mean_and_spread(watched: Watched, stream: int) -> tuple[float | None, float | None]:
    number, total, squares = watched.moments[:, stream].tolist()
    if not number:
        return None, None
    mean = total / number
    return mean, math.sqrt(max(squares / number - mean * mean, 0.0))


def _history(watch: DriftWatch, watched: Watched) -> list[DriftPoint]:
    return [
        from_stored(
            DriftPoint, block | {"means": dict(zip(watch.streams, block["means"], strict=True))}
        )
        for block in watched.blocks
    ]


def _accuracy(watched: Watched, began: int) -> AccuracyEstimate:
    number, total, _ = watched.moments[:, 0]
    recent = watched.since(began)[:, 0]
    return AccuracyEstimate(
        before=float(total / number) if number else None,
        recent=estimated_accuracy(recent[np.isfinite(recent)]),
        recent_items=len(recent),
    )


def _label_shares(
    labels: Sequence[str], before: Sequence[Decided], recent: Sequence[Decided]
) -> list[LabelShare]:
    old, new = _probabilities(labels, before), _probabilities(labels, recent)
    if not len(old) or not len(new):
        return []
    prior = old.mean(axis=0)
    estimate, lower, upper = share_band(new, prior / max(float(prior.sum()), 1e-12))
    return [
        LabelShare(
            label=label,
            before=float((old.argmax(axis=1) == place).mean()),
            recent=float((new.argmax(axis=1) == place).mean()),
            estimate=float(estimate[place]),
            lower=float(lower[place]),
            upper=float(upper[place]),
        )
        for place, label in enumerate(labels)
    ]


def _probabilities(labels: Sequence[str], decided: Sequence[Decided]) -> FloatArray:
    found = [one.row.get("probabilities") for one in decided]
    rows = [[float(one.get(label, 0.0)) for label in labels] for one in found if one]
    return np.array(rows, dtype=np.float64).reshape(len(rows), len(labels))
