"""The ledger over HTTP: filters, pages, and why each item was answered or went to people."""

import gzip
from datetime import datetime, timedelta
from typing import Any

import orjson
import pytest

from services.trainer.tables import Certification, PromiseChange
from shared.auth import Keys
from shared.contracts.base import rfc3339, utc_now
from shared.db import Database
from shared.settings import CommonSettings
from shared.store import Store
from tests.harness import wait_until
from tests.harness.served_trainer import ROOT, ServedTrainer, serve_trainer
from tests.harness.trainer_and_queue import PROJECT
from tests.harness.trainer_parts import decision

OFFERED = (
    "confidence 0.90 reaches the certified threshold 0.83 of v3, and a review was worth more than"
    " its price; the model's answer follows if no reviewer answers in time"
)
V3 = {
    "model_version": "v3",
    "suggestion": "positive",
    "probabilities": {"negative": 0.29, "positive": 0.71},
    "confidence": 0.71,
}


async def _ship(common: CommonSettings, moment: datetime, *rows: dict[str, Any]) -> None:
    lines = [decision(i, moment + timedelta(minutes=i), **row) for i, row in enumerate(rows)]
    path = f"{PROJECT}/decisions/{moment.date().isoformat()}/r-1.jsonl.gz"
    body = gzip.compress(b"\n".join(orjson.dumps(line) for line in lines))
    await Store(common.store_address).write(path, body)


async def _record(database_url: str, moment: datetime) -> None:
    """The certificate of v3 was given at `moment`, and its promise suspended two hours later."""
    certified = Certification(
        project=PROJECT,
        version="v3",
        attempt=1,
        state="certified",
        result={"threshold": 0.83},
        created_at=moment,
        closed_at=moment,
    )
    suspended = PromiseChange(
        project=PROJECT,
        at=moment + timedelta(hours=2),
        version="v3",
        from_state="certified",
        to_state="suspended",
        cause="operator",
        detail="suspended by op: wrong labels",
    )
    database = Database(database_url)
    async with database.transaction() as session:
        session.add_all([certified, suspended])
    await database.dispose()


async def _decisions(trainer: ServedTrainer, **query: Any) -> list[dict[str, Any]]:
    response = await trainer.operator.get(f"{ROOT}/decisions", params=query)
    assert response.status_code == 200, response.text
    found: list[dict[str, Any]] = response.json()["decisions"]
    return found


async def test_each_decision_says_why(common: CommonSettings, keys: Keys, sqlite_url: str) -> None:
    moment = utc_now().replace(microsecond=0) - timedelta(hours=1)
    answered = {**V3, "decision": "answered", "reason": "confident", "label": "positive"}
    rows: list[dict[str, Any]] = [
        {**V3, "reason": "below_threshold"},
        {**answered, "confidence": 0.9, "audited": True, "propensity": 0.05},
        {**V3, "reason": "forced", "review": "always"},
        {**V3, "reason": "promise_suspended"},
        {**V3, "reason": "uncertified", "decision": "declined", "review": "never"},
        {"reason": "no_model"},
        {**answered, "reason": "human", "label": "negative"},
        {**V3, "reason": "optional_review", "confidence": 0.9},
        # A threshold that contradicts the decision is not named.
        {**V3, "reason": "below_threshold", "confidence": 0.9},
    ]
    async with serve_trainer(common, keys, sqlite_url) as trainer:
        await _record(sqlite_url, moment - timedelta(hours=3))
        await _ship(common, moment, *rows)

        async def is_read() -> bool:
            return len(await _decisions(trainer)) == len(rows)

        await wait_until(is_read)
        audited = "It was also drawn for a blind audit (audit rate 0.05)."
        assert [row["explanation"] for row in await _decisions(trainer)] == [
            "Sent to people: confidence 0.71 is below the certified threshold 0.83 of v3.",
            f"Answered: confidence 0.90 reaches the certified threshold 0.83 of v3. {audited}",
            "Sent to people: asked for by review: always.",
            "Sent to people: the promise of v3 was suspended (suspended by op: wrong labels).",
            "Declined (review: never): v3 was not certified then.",
            "Sent to people: the router had no model version that could score it.",
            "Answered: people had resolved the item with the label negative.",
            f"Sent to people: {OFFERED}.",
            "Sent to people: confidence 0.9 is below the certified threshold of v3.",
        ]
        found = await _decisions(trainer, reason="below_threshold", version="v3")
        assert [row["item_id"] for row in found] == ["item-0", "item-8"]
        assert len(await _decisions(trainer, decision="answered")) == 2
        since = rfc3339(moment + timedelta(minutes=2))
        until = rfc3339(moment + timedelta(minutes=4))
        found = await _decisions(trainer, since=since, until=until)
        assert [row["item_id"] for row in found] == ["item-2", "item-3"]
        assert await _decisions(trainer, version="v4") == []


async def test_filtered_decisions_are_paged_to_their_end(
    common: CommonSettings, keys: Keys, sqlite_url: str
) -> None:
    rows = [{**V3, "reason": "uncertified" if i % 2 else "forced"} for i in range(10)]
    async with serve_trainer(common, keys, sqlite_url) as trainer:
        await _ship(common, utc_now() - timedelta(hours=1), *rows)

        async def is_read() -> bool:
            return len(await _decisions(trainer)) == len(rows)

        await wait_until(is_read)
        items: list[str] = []
        query: dict[str, Any] = {"reason": "uncertified", "limit": 2}
        while True:
            page = (await trainer.operator.get(f"{ROOT}/decisions", params=query)).json()
            items += [row["item_id"] for row in page["decisions"]]
            if page["cursor"] is None:
                break
            query["after"] = page["cursor"]
        assert items == [f"item-{i}" for i in range(1, 10, 2)]


@pytest.mark.parametrize(
    "query",
    [{"decision": "kept"}, {"reason": "NO"}, {"version": "../v1"}, {"since": "2026-01-01"}],
)
async def test_filters_that_are_none_are_refused(
    common: CommonSettings, keys: Keys, sqlite_url: str, query: dict[str, str]
) -> None:
    async with serve_trainer(common, keys, sqlite_url) as trainer:
        response = await trainer.operator.get(f"{ROOT}/decisions", params=query)
        assert response.status_code == 422, response.text
