"""What a project's trainer has changed: its documents against what was told of them last (pure).

A document may have been replaced many times since. `channels.json` keeps its champions, so that
each promotion is an event; `promise.json` is a state, so that what it says now is announced.
"""

import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from services.review_queue.webhooks.events import Event
from shared.contracts.base import rfc3339
from shared.contracts.versions import ChannelEvent, Channels, PromiseDocument, PromiseEntry

# Fixed for ever: whichever replica sees a change gives its event the same id.
_NAMESPACE = uuid.UUID("8a4b8c1e-6a64-5b0d-9f0e-2d7c51e3b7a2")

# A version that the promise does not name is held for this one, by routers as well.
_UNNAMED = PromiseEntry(state="uncertified")

PromiseStatus = dict[str, Any]


@dataclass(frozen=True)
class TrainerDocuments:
    """The trainer's two documents of one project; None where there is none yet."""

    channels: Channels | None
    promise: PromiseDocument | None


@dataclass(frozen=True)
class Announced:
    """What receivers know: revisions (0 for none), the status of each version, the last promotion.

    `standings` holds `state` and `threshold` by version; `champion` was promoted at `live_at`.
    """

    channels_revision: int = 0
    promise_revision: int = 0
    standings: dict[str, PromiseStatus] = field(default_factory=dict)
    champion: str | None = None
    live_at: datetime | None = None


def catch_up(
    project: str, announced: Announced, documents: TrainerDocuments, now: datetime
) -> tuple[Announced, list[Event]]:
    """Return what is announced once `documents` are, and the events that announce them.

    A promise is announced before a promotion, in the order in which they are written.
    """
    channels, promise = documents.channels, documents.promise
    events: list[Event] = []
    after = announced
    if promise is not None and promise.revision > announced.promise_revision:
        events += _changes(project, announced.standings, promise, now)
        statuses = {name: _status(entry) for name, entry in promise.versions.items()}
        after = replace(after, promise_revision=promise.revision, standings=statuses)
    if channels is not None and channels.revision > announced.channels_revision:
        events += _promotions(project, announced, channels.history)
        after = replace(after, channels_revision=channels.revision)
        if channels.history:
            last = channels.history[-1]
            after = replace(after, champion=last.champion, live_at=last.live_at)
    return after, events


def _status(entry: PromiseEntry) -> PromiseStatus:
    return {"state": entry.state, "threshold": entry.threshold}


def _changes(
    project: str, before: dict[str, PromiseStatus], promise: PromiseDocument, now: datetime
) -> Iterator[Event]:
    unnamed = _status(_UNNAMED)
    for version in sorted(before.keys() | promise.versions.keys()):
        entry = promise.versions.get(version, _UNNAMED)
        standing, previous = _status(entry), before.get(version, unnamed)
        if standing == previous:
            continue
        data = {
            "version": version,
            "revision": promise.revision,
            **standing,
            "previous_state": previous["state"],
            "previous_threshold": previous["threshold"],
            "target_accuracy": promise.target_accuracy,
            "confidence": promise.confidence,
            "expires_at": entry.expires_at and rfc3339(entry.expires_at),
        }
        yield _event(project, "promise.changed", f"{promise.revision}/{version}", now, data)


def _promotions(
    project: str, announced: Announced, history: Sequence[ChannelEvent]
) -> Iterator[Event]:
    first = _first_new(announced, history)
    previous = history[first - 1].champion if first else announced.champion
    for promotion in history[first:]:
        live_at = rfc3339(promotion.live_at)
        data = {"version": promotion.champion, "previous": previous, "live_at": live_at}
        name = f"{promotion.champion}/{live_at}"
        yield _event(project, "version.promoted", name, promotion.live_at, data)
        previous = promotion.champion


def _first_new(announced: Announced, history: Sequence[ChannelEvent]) -> int:
    if announced.live_at is None:
        return 0
    last = announced.champion, announced.live_at
    for index in reversed(range(len(history))):
        if (history[index].champion, history[index].live_at) == last:
            return index + 1
    # It has left the history, which is bounded: what came later has not been announced.
    return sum(promotion.live_at <= announced.live_at for promotion in history)


def _event(project: str, kind: str, name: str, at: datetime, data: dict[str, Any]) -> Event:
    return Event(
        event_id=str(uuid.uuid5(_NAMESPACE, f"{project}/{kind}/{name}")),
        kind=kind,
        project=project,
        at=at,
        data=data,
        subject=data["version"],
    )
