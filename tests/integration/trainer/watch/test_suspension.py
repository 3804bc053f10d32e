"""An operator stops automatic answers and lets them go on; the API says why."""

import pytest

from services.trainer.watch import suspension, view
from shared.auth import Keys
from shared.settings import CommonSettings
from tests.harness.served_trainer import ROOT, serve_trainer
from tests.harness.trainer_and_queue import PROJECT
from tests.harness.trainer_parts import open_trainer_parts
from tests.integration.trainer.watch.test_audits_act import answer, certify, judge

pytestmark = pytest.mark.any_database


async def test_an_operator_suspends_and_resumes(common: CommonSettings, database_url: str) -> None:
    async with open_trainer_parts(common, database_url) as parts:
        resources, project = parts.resources, parts.project
        await certify(parts)

        async def states() -> tuple[str, str]:
            published = (await parts.promise()).versions["v1"].state
            return published, (await view.describe(resources, project)).state

        await suspension.suspend(resources, project, "the feed is broken", "olga")
        assert await states() == ("suspended", "suspended")
        # Another suspension changes nothing.
        await suspension.suspend(resources, project, "something else", "otto")
        found = await view.describe(resources, project)
        assert not found.valid_now
        assert found.why_not is not None
        assert "the feed is broken" in found.why_not
        await suspension.resume(resources, project)
        assert await states() == ("certified", "certified")
        lines = await view.history(resources, PROJECT, 0, 10)
        assert [(line.from_state, line.to_state, line.actor, line.detail) for line in lines] == [
            ("uncertified", "certified", None, None),
            ("certified", "suspended", "olga", "the feed is broken"),
            ("suspended", "certified", None, None),
        ]


async def test_resume_lifts_no_suspension_by_the_audit(
    common: CommonSettings, sqlite_url: str
) -> None:
    async with open_trainer_parts(common, sqlite_url) as parts:
        await certify(parts)
        await answer(parts, range(2000, 2020), "a")
        await judge(parts, range(2000, 2020), wrong=True)
        await suspension.suspend(parts.resources, parts.project, "too many complaints", "olga")
        await suspension.resume(parts.resources, parts.project)
        assert (await parts.promise()).versions["v1"].state == "suspended"


async def test_without_a_version_there_is_nothing_to_promise(
    common: CommonSettings, keys: Keys, sqlite_url: str
) -> None:
    async with serve_trainer(common, keys, sqlite_url) as trainer:
        found = (await trainer.operator.get(f"{ROOT}/promise")).json()
        assert (found["state"], found["cause"]) == ("uncertified", "no_version")
        assert found["valid_now"] is False
        # The kill switch also holds for the version that comes first.
        stopped = await trainer.operator.post(f"{ROOT}/suspend", json={"cause": "not yet"})
        assert stopped.status_code == 200, stopped.text
        assert (await trainer.operator.post(f"{ROOT}/resume")).status_code == 200
        history = (await trainer.operator.get(f"{ROOT}/promise/history")).json()
        assert history == {"changes": [], "cursor": None}
        assert (await trainer.operator.get(f"{ROOT}/audit/days")).json() == {"days": []}


async def test_a_suspension_needs_a_cause_and_an_operator(
    common: CommonSettings, keys: Keys, sqlite_url: str
) -> None:
    async with serve_trainer(common, keys, sqlite_url) as trainer:
        empty = await trainer.operator.post(f"{ROOT}/suspend", json={"cause": ""})
        assert empty.status_code == 422
        assert empty.json()["errors"][0]["pointer"] == "/cause"
        caller = {"Authorization": f"Bearer {keys.issue('caller', 'app')}"}
        for path in ("suspend", "resume"):
            answer = await trainer.operator.post(
                f"{ROOT}/{path}", json={"cause": "x"}, headers=caller
            )
            assert answer.status_code == 403
