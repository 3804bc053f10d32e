"""The reference pages name all that they are a reference of."""

import importlib
import re
from collections.abc import Iterator
from pathlib import Path

from services.router.pictures import MAX_CALL_PIXELS
from services.serving import SERVICES
from services.trainer.messages import OwnManifest
from shared.graphs.images import MAX_BYTES, MAX_PIXELS
from shared.problems import Problem
from shared.settings import KNOWN_VARIABLES

DOCS = Path(__file__).resolve().parents[3] / "docs" / "reference"


def test_every_setting_is_documented() -> None:
    page = (DOCS / "settings.md").read_text()
    assert [name for name in sorted(KNOWN_VARIABLES) if f"`{name}`" not in page] == []


def _kinds(base: type[Problem]) -> Iterator[str]:
    for problem in base.__subclasses__():
        yield f"`urn:surehand:problem:{problem.kind}` | {problem.status}"
        yield from _kinds(problem)


def test_every_problem_is_documented_with_its_status() -> None:
    for service in SERVICES:
        importlib.import_module(f"services.{service}.errors")
    page = (DOCS / "problems.md").read_text()
    assert [kind for kind in sorted(set(_kinds(Problem))) if kind not in page] == []


def test_the_manifests_that_are_shown_are_manifests() -> None:
    page = (DOCS.parent / "how-to" / "bring-your-own-model.md").read_text()
    shown = re.findall(r"^```json\n(.*?)^```", page, re.DOTALL | re.MULTILINE)
    assert len(shown) >= 2
    for manifest in shown:
        OwnManifest.model_validate_json(manifest)


def test_the_limits_that_are_written_are_the_limits() -> None:
    page = (DOCS.parent / "how-to" / "bring-your-own-model.md").read_text()
    assert f"{MAX_BYTES // 2**20} MiB and {MAX_PIXELS:,} pixels" in page
    assert MAX_CALL_PIXELS == 4 * MAX_PIXELS
