"""What is told of the trainer's documents, whenever they are looked at."""

from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from services.review_queue.webhooks.changes import Announced, TrainerDocuments, catch_up
from services.review_queue.webhooks.events import Event
from shared.contracts.versions import ChannelEvent, Channels, PromiseDocument, PromiseEntry

NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)
HISTORY_KEPT = 5
VERSIONS = st.sampled_from(["v1", "v2", "v3"])
ENTRIES = st.builds(
    PromiseEntry,
    state=st.sampled_from(["certified", "warn", "suspended", "uncertified", "expired"]),
    threshold=st.sampled_from([None, 0.8, 0.9]),
)
# What the trainer does: promotes a version, or lets the promise say something else.
STEPS = st.lists(st.one_of(VERSIONS, st.dictionaries(VERSIONS, ENTRIES)), max_size=25)


def channels(revision: int, *champions: tuple[str, datetime]) -> Channels:
    history = [ChannelEvent(champion=name, live_at=at) for name, at in champions]
    return Channels(
        revision=revision, champion=champions[-1][0] if champions else None, history=history
    )


def promise(revision: int, **versions: PromiseEntry) -> PromiseDocument:
    return PromiseDocument(
        revision=revision, target_accuracy=0.9, confidence=0.95, audit_rate=0.05,
        audit_epoch="e", versions=versions,
    )  # fmt: skip


def standings(document: PromiseDocument | None) -> dict[str, Any]:
    """What each named version stands at; one that is uncertified may as well not be named."""
    entries = document.versions if document else {}
    stated = {name: (entry.state, entry.threshold) for name, entry in entries.items()}
    return {name: entry for name, entry in stated.items() if entry != ("uncertified", None)}


@given(steps=STEPS, looks=st.lists(st.booleans(), min_size=25, max_size=25))
def test_each_promotion_is_told_once_and_the_promise_ends_as_it_stands(
    steps: list[str | dict[str, PromiseEntry]], looks: list[bool]
) -> None:
    told, events = Announced(), list[Event]()
    promotions: list[tuple[str, datetime]] = []
    documents, unseen = TrainerDocuments(None, None), 0
    for number, step in enumerate(steps, start=1):
        if isinstance(step, str):
            promotions.append((step, NOON + timedelta(milliseconds=number)))
            recent = channels(number, *promotions[-HISTORY_KEPT:])
            documents, unseen = TrainerDocuments(recent, documents.promise), unseen + 1
        else:
            documents = TrainerDocuments(documents.channels, promise(number, **step))
        # The history holds so many champions: who looks too seldom cannot know of more.
        if looks[number - 1] or number == len(steps) or unseen == HISTORY_KEPT - 1:
            told, new = catch_up("shop", told, documents, NOON)
            events, unseen = events + new, 0
            assert catch_up("shop", told, documents, NOON) == (told, [])
    of_versions = [event for event in events if event.kind == "version.promoted"]
    assert [(e.data["version"], e.at) for e in of_versions] == promotions
    seen: dict[str, Any] = {}
    for event in events:
        if event.kind == "promise.changed":
            before = (event.data["previous_state"], event.data["previous_threshold"])
            assert before == seen.get(event.subject or "", ("uncertified", None))
            seen[event.subject or ""] = (event.data["state"], event.data["threshold"])
    standing = {name: entry for name, entry in seen.items() if entry != ("uncertified", None)}
    assert standing == standings(documents.promise)
    assert len({event.event_id for event in events}) == len(events)


def test_promotions_between_two_looks_are_told_in_their_order() -> None:
    first, second, third = (("v1", NOON), ("v2", NOON), ("v1", NOON + timedelta(seconds=1)))
    told, _ = catch_up("shop", Announced(), TrainerDocuments(channels(1, first), None), NOON)
    _, events = catch_up(
        "shop", told, TrainerDocuments(channels(9, first, second, third), None), NOON
    )
    assert [(event.data["version"], event.data["previous"]) for event in events] == [
        ("v2", "v1"),
        ("v1", "v2"),
    ]


def test_change_has_the_same_id_whoever_sees_it() -> None:
    documents = TrainerDocuments(
        channels(1, ("v1", NOON)), promise(4, v1=PromiseEntry(state="certified", threshold=0.9))
    )
    _, events = catch_up("shop", Announced(), documents, NOON)
    _, again = catch_up("shop", Announced(), documents, NOON + timedelta(hours=1))
    _, elsewhere = catch_up("toys", Announced(), documents, NOON)
    assert [event.kind for event in events] == ["promise.changed", "version.promoted"]
    assert [event.event_id for event in events] == [event.event_id for event in again]
    assert not {e.event_id for e in events} & {e.event_id for e in elsewhere}


def test_version_that_the_promise_names_no_longer_is_uncertified() -> None:
    certified = TrainerDocuments(
        None, promise(1, v1=PromiseEntry(state="certified", threshold=0.9))
    )
    told, _ = catch_up("shop", Announced(), certified, NOON)
    _, (event,) = catch_up("shop", told, TrainerDocuments(None, promise(2)), NOON)
    assert (event.subject, event.data["state"], event.data["threshold"]) == (
        "v1",
        "uncertified",
        None,
    )


def test_documents_older_than_what_was_told_say_nothing() -> None:
    new = TrainerDocuments(channels(5, ("v1", NOON)), promise(5, v1=PromiseEntry(state="warn")))
    told, _ = catch_up("shop", Announced(), new, NOON)
    old = TrainerDocuments(channels(4), promise(4))
    assert catch_up("shop", told, old, NOON) == (told, [])
