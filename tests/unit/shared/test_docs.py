"""The reference pages name all that they are a reference of."""

import importlib
from collections.abc import Iterator
from pathlib import Path

from services.serving import SERVICES
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
