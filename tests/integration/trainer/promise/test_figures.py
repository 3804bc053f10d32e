"""Reliability over HTTP: whose labels are counted, and what is said where they are few."""

from typing import Any

import numpy as np
import pytest

from services.trainer.tables import LedgerRow, ProjectState, Version
from shared.auth import Keys
from shared.contracts.base import utc_now
from shared.contracts.versions import OutOfFold
from shared.db import Database
from shared.settings import CommonSettings
from shared.store import Store, out_of_fold_path
from tests.harness.served_trainer import ROOT, serve_trainer
from tests.harness.trainer_and_queue import PROJECT


async def _add_version(
    database_url: str, name: str, labels: int, *, uniform: int, recipe: str = "text-linear"
) -> None:
    """Add a version that is as often right as it claims, and over-confident where not uniform."""
    rng = np.random.default_rng(3)
    scores = rng.uniform(0.5, 1, labels).astype(np.float32)
    is_uniform = np.arange(labels) < uniform
    right = rng.random(labels) < np.where(is_uniform, scores, 0.5)
    version = Version(
        project=PROJECT,
        version=name,
        number=int(name[1:]),
        run_id="r",
        dataset_id="d",
        manifest={
            "recipe": recipe,
            "calibration": {"method": "temperature", "temperature": 1.5},
            "metrics": {},
            "labels": ["negative", "positive"],
        },
        tune={
            "item_ids": [f"i{i}" for i in range(labels)],
            "scores": scores.tolist(),
            "correct": right.tolist(),
            "uniform": is_uniform.tolist(),
        },
        created_at=utc_now(),
    )
    database = Database(database_url)
    async with database.transaction() as session:
        session.add(version)
    await database.dispose()


async def _make_champion(database_url: str, name: str) -> None:
    database = Database(database_url)
    async with database.transaction() as session:
        state = await session.get(ProjectState, PROJECT)
        if state is None:
            state = ProjectState(project=PROJECT, pool_seed="s", audit_epoch="e")
            session.add(state)
        state.champion = name
    await database.dispose()


async def _log(database_url: str, version: str, confidences: list[float]) -> None:
    """Add decisions of the last minute to the ledger."""
    moment = utc_now()
    rows = [
        LedgerRow(
            project=PROJECT,
            item_id=f"t{number}",
            received_at=moment,
            content_hash="",
            review="auto",
            decision="answered",
            audited=False,
            model_version=version,
            row={"confidence": confidence},
        )
        for number, confidence in enumerate(confidences)
    ]
    database = Database(database_url)
    async with database.transaction() as session:
        session.add_all(rows)
    await database.dispose()


async def test_reliability_is_of_the_champion_and_of_uniform_labels_where_they_suffice(
    common: CommonSettings, keys: Keys, sqlite_url: str
) -> None:
    async with serve_trainer(common, keys, sqlite_url) as trainer:

        async def shown(**query: Any) -> Any:
            response = await trainer.operator.get(f"{ROOT}/reliability", params=query)
            assert response.status_code == 200, response.text
            return response.json()

        assert (await trainer.operator.get(f"{ROOT}/reliability")).status_code == 404
        await _add_version(sqlite_url, "v1", 900, uniform=600)
        await _add_version(sqlite_url, "v2", 150, uniform=0)
        await _add_version(sqlite_url, "v3", 0, uniform=0, recipe="own")
        await _make_champion(sqlite_url, "v1")
        first = await shown()
        assert (first["version"], first["labels"], first["is_uniform"]) == ("v1", 600, True)
        assert (first["evidence"], first["note"]) == ("out_of_fold", None)
        assert first["calibration"] == {"method": "temperature", "temperature": 1.5}
        assert [one["labels"] for one in first["bins"]] == [40] * 15
        inside = [one["lower"] <= one["confidence"] <= one["upper"] for one in first["bins"]]
        assert sum(inside) >= 13
        assert first["risk_coverage"][-1]["coverage"] == 1.0
        assert first["risk_coverage"][-1]["risk"] == pytest.approx(1 - first["accuracy"])
        second = await shown(version="v2")
        assert (second["labels"], second["is_uniform"]) == (150, False)
        assert second["note"].startswith("Too few labels were drawn uniformly")
        assert any(one["upper"] < one["confidence"] for one in second["bins"])
        third = await shown(version="v3")
        assert (third["bins"], third["risk_coverage"], third["accuracy"]) == ([], [], None)
        assert third["evidence"] == "labels_at_hand"
        assert third["note"] == ("There are no labels yet that the version could be compared with.")
        query = {"version": "v9"}
        response = await trainer.operator.get(f"{ROOT}/reliability", params=query)
        assert response.status_code == 404


async def test_what_if_answers_for_any_target_and_says_what_it_is_made_of(
    common: CommonSettings, keys: Keys, sqlite_url: str
) -> None:
    async with serve_trainer(common, keys, sqlite_url) as trainer:

        async def supposed(status: int = 200, **query: Any) -> Any:
            response = await trainer.operator.get(f"{ROOT}/what-if", params=query)
            assert response.status_code == status, response.text
            return response.json()

        await supposed(404)
        await _add_version(sqlite_url, "v1", 0, uniform=0)
        await _make_champion(sqlite_url, "v1")
        await supposed(409)
        await _add_version(sqlite_url, "v2", 2_000, uniform=2_000)
        await _make_champion(sqlite_url, "v2")
        eased = await supposed(target_accuracy=0.7, price_review=0.1, price_error=5)
        strict = await supposed(target_accuracy=0.99, confidence=0.95, reviewers_hours=4)
        assert eased["share_answered"] > strict["share_answered"]
        assert eased["error_rate"] <= 0.3
        assert eased["labels_without_error"] < strict["labels_without_error"] == 299
        assert "its 2000 labels" in eased["note"]
        # No traffic yet: nothing to review, to pay or to detect anything by.
        assert (eased["items_per_hour"], eased["cost_per_hour"]) == (0, 0)
        assert (strict["reviews_per_reviewer_hour"], strict["cost_per_hour"]) == (0, None)
        assert strict["days_to_detect"] is None
        await supposed(422, target_accuracy=0.2)
        # Ten items an hour, all of them surer than any label was.
        await _log(sqlite_url, "v2", [0.999] * 240)
        busy = await supposed(
            target_accuracy=0.7, price_review=0.5, price_error=2, reviewers_hours=2
        )
        assert "newest 240 decisions" in busy["note"]
        assert (busy["items_per_hour"], busy["share_answered"]) == (10, 1)
        # The project's audit rate is a twentieth.
        assert busy["reviews_per_hour"] == pytest.approx(0.5)
        assert busy["reviews_per_reviewer_hour"] == pytest.approx(6)
        assert busy["cost_per_hour_all_reviewed"] == 5
        errors = 10 * busy["errors_per_thousand"] / 1000
        assert busy["cost_per_hour"] == pytest.approx(0.25 + 2 * errors)
        assert busy["days_to_detect"] == pytest.approx(busy["audits_to_detect"] / 12)


async def test_a_version_says_which_labels_it_confuses_or_that_it_is_not_recorded(
    common: CommonSettings, keys: Keys, sqlite_url: str
) -> None:
    async with serve_trainer(common, keys, sqlite_url) as trainer:
        for name in ("v1", "v2"):
            await _add_version(sqlite_url, name, 4, uniform=0)
        document = OutOfFold(
            item_ids=["a", "b", "c", "d"],
            labels=["negative", "negative", "positive", "negative"],
            predicted=["negative", "positive", "positive", "negative"],
            confidences=[0.9] * 4,
            label_probabilities=[0.9, 0.1, 0.9, 0.9],
        )
        path = out_of_fold_path(PROJECT, "v1")
        await Store(common.store_address).write_document(path, document)
        said = (await trainer.operator.get(f"{ROOT}/versions/v1/confusion")).json()
        assert [(one["label"], one["predicted"], one["items"]) for one in said["cells"]] == [
            ("negative", "negative", 2),
            ("negative", "positive", 1),
            ("positive", "positive", 1),
        ]
        assert (said["items"], said["note"]) == (4, None)
        said = (await trainer.operator.get(f"{ROOT}/versions/v2/confusion")).json()
        assert (said["cells"], "made elsewhere" in said["note"]) == ([], True)
        assert (await trainer.operator.get(f"{ROOT}/versions/v3/confusion")).status_code == 404
