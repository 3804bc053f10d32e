"""Reliability over HTTP: whose labels are counted, and what is said where they are few."""

from typing import Any

import numpy as np
import pytest

from services.trainer.tables import ProjectState, Version
from shared.auth import Keys
from shared.contracts.base import utc_now
from shared.db import Database
from shared.settings import CommonSettings
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
