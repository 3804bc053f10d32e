"""The look-up of decisions: what callers were told, and whether all of it is known."""

from datetime import timedelta
from typing import Any

import pytest

from services.trainer.ledger.lookup import known_decisions
from services.trainer.ledger.service import LedgerReader
from services.trainer.ledger.settling import Settling
from shared.auth import Keys
from shared.checkpoints import Acknowledged, acknowledged_path
from shared.contracts.base import rfc3339
from shared.contracts.decisions import DecisionQuery
from shared.settings import CommonSettings
from tests.harness import client
from tests.harness.served_trainer import ROOT, serve_trainer
from tests.harness.trainer_parts import TrainerParts, open_trainer_parts

ANSWERED: dict[str, Any] = {"decision": "answered", "reason": "confident", "model_version": "v1"}


async def look(parts: TrainerParts, *item_ids: str, settle: bool = False) -> Any:
    settling = Settling(parts.resources, LedgerReader())
    query = DecisionQuery(item_ids=list(item_ids), settle=settle)
    return await known_decisions(parts.resources, settling, parts.project, query)


@pytest.mark.sql
async def test_the_decision_that_was_received_last_counts_whenever_it_is_read(
    common: CommonSettings, database_url: str
) -> None:
    async with open_trainer_parts(common, database_url) as parts:
        newest = parts.clock.moment
        before = rfc3339(newest - timedelta(hours=1))
        await parts.log_decisions([1, 2], "r-1", **ANSWERED, label="positive")
        await parts.read_ledger()
        # A segment that lay on a disk for an hour.
        late = {"received_at": before, "decided_at": before, "label": "negative"}
        await parts.log_decisions([1], "r-2", **ANSWERED, **late)
        await parts.log_decisions([3], "r-3")
        await parts.read_ledger()
        found = await look(parts, "item-1", "item-3", "item-9")
        known = {one.item_id: (one.decision, one.label) for one in found.decisions}
        assert known == {"item-1": ("answered", "positive"), "item-3": ("in_review", None)}
        assert found.unsettled is not None
        assert (await look(parts, "item-1")).unsettled is None


async def test_without_a_router_nothing_is_settled(common: CommonSettings, sqlite_url: str) -> None:
    async with open_trainer_parts(common, sqlite_url) as parts:
        await parts.log_decisions([1], "r-1")
        # What a file of the log says is read all the same.
        assert (await look(parts, "item-9", settle=True)).unsettled is not None


async def test_a_process_that_was_silent_longer_than_rows_are_kept_is_not_waited_for(
    common: CommonSettings, sqlite_url: str
) -> None:
    async with open_trainer_parts(common, sqlite_url) as parts:
        store, days = parts.resources.store, parts.project.retention_days
        for age, is_missed in ((days + 2, False), (days - 2, True)):
            written = parts.clock.moment - timedelta(days=age)
            document = Acknowledged(checkpoint=0, written_at=written)
            await store.write_document(acknowledged_path("lost"), document)
            found = await look(parts, "item-9", settle=True)
            assert (found.unsettled is not None) == is_missed
            assert not is_missed or "index/replica-lost.json" in str(found.unsettled)


@pytest.mark.parametrize(
    ("role", "status"), [("service", 200), ("operator", 200), ("caller", 403), ("reviewer", 403)]
)
async def test_look_ups_are_for_services(
    common: CommonSettings, keys: Keys, sqlite_url: str, role: Any, status: int
) -> None:
    async with (
        serve_trainer(common, keys, sqlite_url) as served,
        client(served.base, keys.issue(role, "x")) as caller,
    ):
        answer = await caller.post(f"{ROOT}/decisions/lookup", json={"item_ids": ["a"]})
        assert answer.status_code == status
        if status == 200:
            assert answer.json()["decisions"] == []
            refused = await caller.post(f"{ROOT}/decisions/lookup", json={"item_ids": []})
            assert refused.status_code == 422
