"""Recipes: one table names them, and a run trains with the one that it is asked for."""

import pytest
from pydantic import ValidationError

from services.trainer.recipes import RECIPES
from services.trainer.registry import service as registry
from services.trainer.runs import service
from services.trainer.runs.execution import execute
from services.trainer.runs.messages import RunRequest, RunView
from shared.auth import Keys
from shared.contracts import projects
from shared.contracts.projects import Project
from shared.settings import CommonSettings
from tests.harness.trainer_and_queue import PROJECT, project_spec, run_trainer_and_queue
from tests.harness.trainer_parts import TrainerParts, make_project, open_trainer_parts
from tests.integration.trainer.runs import midpoint


async def _run(parts: TrainerParts, request: RunRequest | None = None) -> RunView:
    view = await service.request(parts.resources, parts.project, request or RunRequest(), "op")
    await execute(parts.resources, parts.project, view.run_id)
    return await service.describe(parts.resources, PROJECT, view.run_id)


async def test_a_second_recipe_trains_once_it_is_in_the_table(
    common: CommonSettings, sqlite_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(projects, "RECIPES", (*projects.RECIPES, "midpoint"))
    monkeypatch.setitem(RECIPES, "midpoint", midpoint.__name__)
    async with open_trainer_parts(common, sqlite_url) as parts:
        run = await _run(parts, RunRequest(recipe="midpoint"))
        assert (run.state, run.detail) == ("failed", "recipe midpoint needs one number field")
        await parts.put_project(
            fields={"text": {"type": "number"}}, training={"recipe": "midpoint"}
        )
        for i in range(20):
            size, label = (0.1 * i, "negative") if i % 2 else (5 + 0.1 * i, "positive")
            parts.queue.resolve(f"item-{i}", {"text": size}, label)
        await parts.step()
        run = await _run(parts)
        assert (run.state, run.recipe, run.version) == ("succeeded", "midpoint", "v2"), run.log
        version = await registry.describe(parts.resources, parts.project, "v2")
        assert version.manifest["recipe"] == "midpoint"
        assert version.manifest["outputs"] == {"probabilities": "chances"}
        assert version.manifest["calibration"] == {}
        assert version.manifest["metrics"] == {"accuracy": 1.0}
        assert (await parts.channels()).champion == "v2"


async def test_a_run_of_a_recipe_that_this_trainer_lacks_fails_with_its_name(
    common: CommonSettings, sqlite_url: str
) -> None:
    async with open_trainer_parts(common, sqlite_url) as parts:
        stored = make_project().model_dump(mode="json")
        stored["training"]["recipe"] = "of-a-later-release"
        parts.project = Project.model_validate(stored)
        run = await _run(parts)
        assert (run.state, run.detail) == (
            "failed", "there is no recipe of-a-later-release, only text-linear",
        )  # fmt: skip


async def test_unknown_recipes_are_refused_with_the_known_ones(
    common: CommonSettings, keys: Keys, sqlite_url: str
) -> None:
    async with run_trainer_and_queue(common, keys, sqlite_url) as both:
        await both.put_project()
        unknown = await both.post("runs", {"recipe": "text-magic"})
        spec = project_spec(training={"recipe": "text-magic"})
        refused = await both.queue.put(f"/v1/projects/{PROJECT}", json=spec)
        for response, pointer in ((unknown, "/recipe"), (refused, "/training/recipe")):
            assert response.status_code == 422, response.text
            (fault,) = response.json()["errors"]
            assert fault["pointer"] == pointer
            assert fault["detail"].endswith("must be one of: text-linear")


def test_every_named_recipe_has_its_module() -> None:
    from importlib import import_module  # noqa: PLC0415 - it loads what only a run needs

    for module in RECIPES.values():
        assert import_module(module).RECIPE
    with pytest.raises(ValidationError):
        RunRequest(recipe="own")
