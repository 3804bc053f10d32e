"""Recipes: those built in and those of packages; a run trains with the one that it is asked for."""

import asyncio
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from pydantic import ValidationError

from services.trainer.recipes import installed
from services.trainer.recipes.installed import (
    GROUP,
    OPTIONAL_RECIPES,
    installed_recipes,
    load_recipe,
    unknown_recipe,
)
from services.trainer.registry import service as registry
from services.trainer.runs import service
from services.trainer.runs.execution import execute
from services.trainer.runs.messages import RunRequest, RunView
from shared.auth import Keys
from shared.contracts.projects import BUILT_IN_RECIPES, InstalledRecipes, Project
from shared.problems import Unprocessable
from shared.settings import CommonSettings
from shared.store import RECIPES_PATH, Store
from tests.harness import wait_until
from tests.harness.trainer_and_queue import PROJECT, project_spec, run_trainer_and_queue
from tests.harness.trainer_parts import TrainerParts, make_project, open_trainer_parts
from tests.integration.trainer.runs import midpoint

ROOT = Path(__file__).parents[4]
EXAMPLE = ROOT / "examples" / "recipe"


@pytest.fixture
def folder_of_packages(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder that packages are found in, here and in the processes of runs."""
    folder = tmp_path / "packages"
    folder.mkdir()
    known = os.environ.get("PYTHONPATH", "")
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(filter(None, [str(folder), known])))
    monkeypatch.syspath_prepend(str(folder))
    installed_recipes.cache_clear()
    yield folder
    installed_recipes.cache_clear()


def add_package(folder: Path, **recipes: str) -> None:
    """Put the metadata of an installed package with these entry points into the folder."""
    metadata = folder / "surehand_added-1.0.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: surehand-added\nVersion: 1.0")
    lines = [f"{name.replace('_', '-')} = {value}" for name, value in recipes.items()]
    (metadata / "entry_points.txt").write_text("\n".join([f"[{GROUP}]", *lines]))
    installed_recipes.cache_clear()


async def _run(parts: TrainerParts, request: RunRequest | None = None) -> RunView:
    view = await service.request(parts.resources, parts.project, request or RunRequest(), "op")
    await execute(parts.resources, parts.project, view.run_id)
    return await service.describe(parts.resources, PROJECT, view.run_id)


@pytest.mark.thorough
async def test_a_recipe_of_a_package_trains(
    common: CommonSettings, sqlite_url: str, folder_of_packages: Path
) -> None:
    add_package(folder_of_packages, midpoint=f"{midpoint.__name__}:RECIPE")
    async with open_trainer_parts(common, sqlite_url) as parts:
        parts.queue.resolve("of-text", {"text": "splendid"}, "positive")
        await parts.step()
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
        assert run.report is None
        version = await registry.describe(parts.resources, parts.project, "v2")
        assert version.manifest["recipe"] == "midpoint"
        assert version.manifest["outputs"] == {"probabilities": "chances"}
        assert version.manifest["calibration"] == {}
        assert version.manifest["metrics"] == {"accuracy": 1.0}
        assert (await parts.channels()).champion == "v2"


@pytest.mark.thorough
async def test_the_example_of_the_docs_is_installed_and_trains(
    common: CommonSettings, sqlite_url: str, folder_of_packages: Path
) -> None:
    # In a copy: a build leaves files beside what it builds.
    source = folder_of_packages.parent / "source"
    await asyncio.to_thread(shutil.copytree, EXAMPLE, source)
    command = [
        sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-index",
        "--no-build-isolation", "--target", str(folder_of_packages), str(source),
    ]  # fmt: skip
    await asyncio.to_thread(subprocess.run, command, check=True, capture_output=True)
    installed_recipes.cache_clear()
    assert "nearest-mean" in installed_recipes()
    async with open_trainer_parts(common, sqlite_url) as parts:
        await parts.put_project(
            labels=["negative", "positive", "unseen"],
            fields={"text": {"type": "vector", "length": 2}},
            training={"recipe": "nearest-mean"},
        )
        chance = np.random.default_rng(0)
        for i in range(40):
            vector = (chance.normal(size=2) + (i % 2) * 4).tolist()
            parts.queue.resolve(f"item-{i}", {"text": vector}, ("negative", "positive")[i % 2])
        await parts.step()
        run = await _run(parts)
        assert (run.state, run.recipe) == ("succeeded", "nearest-mean"), run.log
        assert run.report is not None
        assert run.report["notes"] == ["no example of unseen: never predicted, so never answered"]
        assert run.version is not None
        version = await registry.describe(parts.resources, parts.project, run.version)
        assert version.manifest["report"] == run.report
        assert version.manifest["metrics"]["accuracy"] > 0.9


async def test_a_run_of_a_recipe_that_this_trainer_lacks_fails_with_its_name(
    common: CommonSettings, sqlite_url: str
) -> None:
    async with open_trainer_parts(common, sqlite_url) as parts:
        stored = make_project().model_dump(mode="json")
        stored["training"]["recipe"] = "of-a-later-release"
        parts.project = Project.model_validate(stored)
        run = await _run(parts)
        assert run.state == "failed"
        assert run.detail == (
            "this trainer has no recipe of-a-later-release: "
            f"must be one of: {', '.join(installed_recipes())}"
        )
        with pytest.raises(Unprocessable, match="must be one of"):
            await _run(parts, RunRequest(recipe="text-magic"))


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
            assert f"must be one of: {', '.join(BUILT_IN_RECIPES)}" in fault["detail"]
        path = f"/v1/projects/{PROJECT}?dry_run=true"
        assert (await both.queue.put(path, json=spec)).status_code == 422


async def test_a_project_may_name_the_recipe_of_a_package_once_a_trainer_has_it(
    common: CommonSettings, keys: Keys, sqlite_url: str, folder_of_packages: Path
) -> None:
    spec = project_spec(training={"recipe": "midpoint"})
    path = f"/v1/projects/{PROJECT}"
    add_package(folder_of_packages, midpoint=f"{midpoint.__name__}:RECIPE")
    async with run_trainer_and_queue(common, keys, sqlite_url) as both:

        async def taken() -> bool:
            return bool((await both.queue.put(path, json=spec)).is_success)

        await wait_until(taken)
        # As a trainer without the package leaves it: the project may keep what it has.
        store = Store(common.store_url)
        await store.write_document(RECIPES_PATH, InstalledRecipes(recipes=["text-linear"]))
        other = await both.queue.put("/v1/projects/another", json=spec)
        assert other.status_code == 422, other.text
        kept = await both.queue.patch(path, json={"title": "Kept"})
        assert kept.status_code == 200, kept.text
        assert kept.json()["training"]["recipe"] == "midpoint"


def test_packages_take_no_name_that_is_taken(folder_of_packages: Path) -> None:
    taken = dict.fromkeys(("own", "text_linear", "Bad"), "json:loads")
    add_package(folder_of_packages, **taken, good="json:loads")
    optional = [name for name in OPTIONAL_RECIPES if unknown_recipe(name) is None]
    assert list(installed_recipes()) == [*BUILT_IN_RECIPES, *optional, "good"]
    loaded: object = load_recipe(installed_recipes()["good"])
    assert loaded is json.loads


def test_every_built_in_recipe_has_its_module() -> None:
    for name in BUILT_IN_RECIPES:
        assert load_recipe(installed.installed_recipes()[name])
    with pytest.raises(ValidationError):
        RunRequest(recipe="no name")


def test_a_recipe_of_an_extra_is_there_where_its_packages_are(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(OPTIONAL_RECIPES, "text-embedding", ("json", "no_such_package"))
    installed_recipes.cache_clear()
    try:
        assert "text-embedding" not in installed_recipes()
        assert unknown_recipe("text-embedding") == (
            "text-embedding needs packages that this trainer does not have: no_such_package. "
            "Install it with its extra, pip install 'surehand-services[text-embedding]'"
        )
        monkeypatch.setitem(OPTIONAL_RECIPES, "text-embedding", ("json",))
        installed_recipes.cache_clear()
        assert "text-embedding" in installed_recipes()
    finally:
        installed_recipes.cache_clear()
