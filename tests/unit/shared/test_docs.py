"""The reference pages name all that they are a reference of."""

import importlib
import re
from collections.abc import Iterator
from pathlib import Path
from typing import get_args

from prometheus_client import REGISTRY
from prometheus_client.metrics import MetricWrapperBase

from services.review_queue.activity.messages import RecordedAction, TimelineAction
from services.router.pictures.opening import MAX_CALL_PIXELS
from services.serving import SERVICES
from services.trainer.uploads.parts import OwnManifest
from shared.fields.layouts import MAX_BYTES, MAX_PIXELS
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
        importlib.import_module(f"services.{service}.app")
    page = (DOCS / "problems.md").read_text()
    assert [kind for kind in sorted(set(_kinds(Problem))) if kind not in page] == []


def test_every_action_of_the_activity_log_is_documented_and_no_other_is() -> None:
    page = (DOCS / "http.md").read_text()
    (told,) = re.findall(r"^\*\*Activity\.\*\* .* Actions: (.*?)\. ", page, re.MULTILINE)
    actions = {*get_args(TimelineAction), *get_args(RecordedAction)}
    assert set(re.findall(r"`(\w+\.\w+)`", told)) == actions


def _metrics() -> Iterator[MetricWrapperBase]:
    for service in SERVICES:
        importlib.import_module(f"services.{service}.app")
    collectors = list(REGISTRY._collector_to_names)
    yield from (one for one in collectors if isinstance(one, MetricWrapperBase))


def _row(metric: MetricWrapperBase) -> str:
    (family,) = metric.describe()
    name = f"{family.name}_total" if family.type == "counter" else family.name
    labels = ", ".join(f"`{label}`" for label in metric._labelnames)
    return f"| `{name}` | {family.type} | {labels} |"


def test_every_metric_is_documented_with_its_type_and_labels_and_no_other_is() -> None:
    page = (DOCS / "metrics.md").read_text()
    documented = set(re.findall(r"^\| `surehand_\w+` \| \w+ \| .*?\|", page, re.MULTILINE))
    assert documented == set(map(_row, _metrics()))


def test_every_metric_ends_in_its_unit() -> None:
    units = ("_seconds", "_items", "_bytes", "_info", "_entries", "_waiters", "_loops")
    names = [next(iter(metric.describe())) for metric in _metrics()]
    assert [n.name for n in names if n.type != "counter" and not n.name.endswith(units)] == []


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
