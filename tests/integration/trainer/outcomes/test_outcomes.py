"""The outcomes feed: cursor and rows move together, and later revisions supersede."""

import contextlib
from collections.abc import AsyncIterator
from typing import Any

import pytest
from sqlalchemy.ext.asyncio import AsyncSession

from services.trainer.datasets import repository as datasets
from services.trainer.outcomes import repository
from services.trainer.outcomes.evidence import evidence_of
from services.trainer.outcomes.service import read_feed
from services.trainer.projects.repository import read_state
from services.trainer.queue_client import QueueAway
from services.trainer.resources import Resources
from services.trainer.runs import repository as runs
from services.trainer.tables import OutcomeRow
from shared.contracts.base import utc_now
from shared.contracts.tasks import TRAINING_LANES
from shared.db import Database
from shared.settings import CommonSettings
from tests.harness.trainer_and_queue import PROJECT, review
from tests.harness.trainer_parts import open_trainer_parts


class CrashingDatabase(Database):
    """Loses its connection just before the commit, as often as told."""

    crashes = 0

    @contextlib.asynccontextmanager
    async def transaction(self, *, repeated: bool = False) -> AsyncIterator[AsyncSession]:
        """One transaction that may not come to its end."""
        async with super().transaction(repeated=repeated) as session:
            yield session
            if self.crashes:
                self.crashes -= 1
                raise ConnectionResetError("lost before the commit")


async def _state(resources: Resources) -> tuple[str | None, int]:
    async with resources.database.reading() as session:
        state = await read_state(session, PROJECT)
        rows = await datasets.labelled(session, PROJECT, ["pool", "mandatory"])
    return (None if state is None else state.outcomes_cursor), len(rows)


async def test_crash_before_commit_loses_neither_rows_nor_cursor(
    common: CommonSettings, database_url: str
) -> None:
    async with open_trainer_parts(common, database_url) as parts:
        database = CrashingDatabase(database_url)
        resources = Resources(**{**vars(parts.resources), "database": database})
        parts.queue.resolve("a", review(1), "positive")
        database.crashes = 1
        with pytest.raises(ConnectionResetError):
            await read_feed(resources, PROJECT)
        assert await _state(parts.resources) == (None, 0)

        assert await read_feed(resources, PROJECT) == 1
        cursor, rows = await _state(parts.resources)
        assert cursor is not None
        assert rows == 1
        assert await read_feed(resources, PROJECT) == 0
        await database.dispose()


async def test_feed_of_several_pages_is_read_to_its_end(
    common: CommonSettings, database_url: str
) -> None:
    async with open_trainer_parts(common, database_url) as parts:
        for i in range(2_050):
            parts.queue.resolve(f"item-{i}", {"text": f"text {i}"}, "positive")
        assert await read_feed(parts.resources, PROJECT) == 2_050
        assert (await _state(parts.resources))[1] == 2_050


async def test_later_revision_supersedes_and_earlier_one_does_not(
    common: CommonSettings, database_url: str
) -> None:
    async with open_trainer_parts(common, database_url) as parts:
        for revision, label in ((1, "positive"), (3, "negative"), (2, "positive")):
            parts.queue.resolve("a", review(1), label, revision=revision)
        await read_feed(parts.resources, PROJECT)
        async with parts.resources.database.reading() as session:
            (row,) = await repository.of_items(session, PROJECT, ["a"])
        assert (row.revision, row.label) == (3, "negative")


@pytest.mark.any_database
async def test_withdrawn_label_supersedes_too(common: CommonSettings, database_url: str) -> None:
    async with open_trainer_parts(common, database_url) as parts:
        parts.queue.resolve("a", review(1), "positive")
        await read_feed(parts.resources, PROJECT)
        assert (await _state(parts.resources))[1] == 1
        parts.queue.resolve("a", review(1), None, revision=2)
        await read_feed(parts.resources, PROJECT)
        assert (await _state(parts.resources))[1] == 0


@pytest.mark.any_database
async def test_what_expired_or_waits_again_is_no_outcome_of_the_item(
    common: CommonSettings, database_url: str
) -> None:
    async with open_trainer_parts(common, database_url) as parts:
        expired: dict[str, Any] = {"lane": "optional", "source": "expiry"}
        parts.queue.resolve("unanswered", review(1), None, verdicts=0, **expired)
        parts.queue.resolve("undecided", review(2), None, verdicts=1, **expired)
        parts.queue.resolve("unclear", review(3), None, verdicts=2, lane="audit")
        # The model's own answer: never a label of people.
        parts.queue.resolve("certified", review(5), "positive", lane="optional", source="model")
        parts.queue.resolve("known", review(6), "positive")
        parts.queue.resolve("known", review(6), "negative", source="model", revision=2)
        # It expired, and waits again as an audit: no error, before somebody has answered.
        parts.queue.resolve("audited", review(4), None, verdicts=0, **expired)
        parts.queue.resolve("audited", review(4), None, verdicts=0, lane="audit", revision=2)
        assert await read_feed(parts.resources, PROJECT) == 3
        items = ["unanswered", "undecided", "unclear", "certified", "known", "audited"]
        async with parts.resources.database.reading() as session:
            rows = await repository.of_items(session, PROJECT, items)
            assert await runs.count_new_labels(session, PROJECT, 0) == 0
        assert {row.item_id: row.label for row in rows} == {"unclear": None, "known": None}
        parts.queue.resolve("audited", review(4), "positive", lane="audit", revision=3)
        await read_feed(parts.resources, PROJECT)
        async with parts.resources.database.reading() as session:
            (row,) = await repository.of_items(session, PROJECT, ["audited"])
        assert (row.label, row.lane, row.revision) == ("positive", "audit", 3)


@pytest.mark.any_database
async def test_only_labels_of_training_lanes_count(
    common: CommonSettings, database_url: str
) -> None:
    async with open_trainer_parts(common, database_url) as parts:
        lanes = ("mandatory", "optional", "pool", "relabel", "audit", "certification", "gold")
        for i, lane in enumerate(lanes):
            parts.queue.resolve(f"item-{i}", review(i), "positive", lane=lane)
        parts.queue.resolve("nobody-knew", review(9), None)
        await read_feed(parts.resources, PROJECT)
        async with parts.resources.database.reading() as session:
            assert await runs.count_new_labels(session, PROJECT, 0) == 4
            assert await runs.count_new_labels(session, PROJECT, 2) == 2


async def test_queue_away_is_said_so(common: CommonSettings, sqlite_url: str) -> None:
    async with open_trainer_parts(common, sqlite_url) as parts:
        parts.queue.is_away = True
        with pytest.raises(QueueAway):
            await read_feed(parts.resources, PROJECT)


@pytest.mark.parametrize(
    ("answers", "evidence"),
    [
        # (label, blind, verdicts) of one item's outcomes, in their order.
        ([("positive", True, 1)], ("positive", True)),
        # Taken back, and answered as the model did: the error stays one.
        ([("negative", True, 1), (None, True, 0), ("positive", False, 1)], (None, True)),
        # Taken back, and not yet answered anew: what was first said stands.
        ([("negative", True, 1), (None, True, 0)], ("negative", True)),
        # Said twice.
        ([("positive", True, 1), (None, True, 0), ("positive", False, 1)], ("positive", True)),
        # First said with a suggestion in sight: no later answer makes it evidence.
        ([("positive", False, 1), (None, True, 0), ("positive", True, 1)], ("positive", False)),
        # Nobody could answer; an operator who asks again does not make it right.
        ([(None, True, 2), (None, True, 0), ("positive", True, 1)], (None, True)),
    ],
)
async def test_first_answer_is_the_evidence_and_a_later_one_can_only_end_it(
    common: CommonSettings,
    sqlite_url: str,
    answers: list[tuple[str | None, bool, int]],
    evidence: tuple[str | None, bool],
) -> None:
    async with open_trainer_parts(common, sqlite_url) as parts:
        for revision, (label, blind, verdicts) in enumerate(answers, start=1):
            parts.queue.resolve(
                "a", review(1), label, revision=revision, blind=blind, verdicts=verdicts
            )
            await read_feed(parts.resources, PROJECT)
        async with parts.resources.database.reading() as session:
            (row,) = await repository.of_items(session, PROJECT, ["a"])
        assert (row.evidence_label, row.evidence_blind) == evidence
        # What trains is the outcome as it stands.
        assert row.label == answers[-1][0]


def a_row_of_the_release_before(revision: int) -> OutcomeRow:
    return OutcomeRow(
        project=PROJECT,
        item_id="a",
        position=1,
        revision=revision,
        lane="audit",
        label="positive",
        blind=True,
        data={},
        content_hash="h",
        resolved_at=utc_now(),
    )


def test_rows_of_the_release_before_are_evidence_where_nothing_came_before_them() -> None:
    assert evidence_of(a_row_of_the_release_before(1)).confirms("positive")
    assert not evidence_of(a_row_of_the_release_before(1)).confirms("negative")
    assert not evidence_of(a_row_of_the_release_before(3)).confirms("positive")


@pytest.mark.any_database
async def test_a_feed_of_a_later_release_is_read_and_unknown_names_count_for_nothing(
    common: CommonSettings, database_url: str
) -> None:
    later: dict[str, Any] = {"later_member": {"deep": [1]}}
    async with open_trainer_parts(common, database_url) as parts:
        parts.queue.resolve("known", review(1), "positive", **later)
        parts.queue.resolve("lane", review(2), "positive", lane="tournament", **later)
        parts.queue.resolve("source", review(3), "positive", source="model", verdicts=0)
        parts.queue.resolve("corrected", review(4), "positive")
        parts.queue.resolve("corrected", review(4), "negative", revision=2, source="model")
        assert await read_feed(parts.resources, PROJECT) == 4
        items = ["known", "lane", "source", "corrected"]
        async with parts.resources.database.reading() as session:
            kept = {row.item_id: row for row in await repository.of_items(session, PROJECT, items)}
            trains = await datasets.labelled(session, PROJECT, TRAINING_LANES)
            counted = await runs.count_new_labels(session, PROJECT, 0)
        assert [row.item_id for row in trains] == ["known"]
        assert counted == 1
        assert (kept["lane"].lane, kept["lane"].label) == ("tournament", "positive")
        assert "source" not in kept
        # People's own answer stays the evidence; what replaced it says nothing.
        assert kept["corrected"].label is None
        assert evidence_of(kept["corrected"]).label == "positive"
        parts.queue.feed.append({"later_member": 1})
        with pytest.raises(QueueAway, match="malformed"):
            await read_feed(parts.resources, PROJECT)


async def test_a_label_that_gets_another_name_trains_by_it_and_judges_by_the_old_one(
    common: CommonSettings, database_url: str
) -> None:
    async with open_trainer_parts(common, database_url) as parts:
        parts.queue.resolve("a", review(1), "positive", lane="audit")
        parts.queue.resolve("a", review(1), "fine", lane="audit", revision=2, mapped=True)
        await read_feed(parts.resources, PROJECT)
        async with parts.resources.database.reading() as session:
            row = await session.get_one(OutcomeRow, (PROJECT, "a"))
        assert row.label == "fine"
        assert evidence_of(row).confirms("positive")
        assert not evidence_of(row).confirms("fine")
