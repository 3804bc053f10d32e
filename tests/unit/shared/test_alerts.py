"""The rules and queries of docs/how-to/watch-surehand.md, as Prometheus itself reads them."""

import importlib
import json
import re
from pathlib import Path
from typing import Any

import pytest
from prometheus_client import REGISTRY, generate_latest

from services.serving import SERVICES
from tests.harness.promtool import promtool

PAGE = Path(__file__).resolve().parents[3] / "docs" / "how-to" / "watch-surehand.md"
DAY = 86_400


def _rules() -> str:
    block = r"^```yaml\n(# surehand-rules\.yml\n.*?)^```"
    found = re.search(block, PAGE.read_text(), re.DOTALL | re.MULTILINE)
    assert found is not None
    return found[1]


@pytest.fixture
def rules(tmp_path: Path) -> Path:
    """The page's rules as a file."""
    path = tmp_path / "surehand-rules.yml"
    path.write_text(_rules())
    return path


def _alerts(rules: Path, series: dict[str, str], at: str) -> str:
    """Return promtool's word on which alerts these series raise: it is told to expect none."""
    names = re.findall(r"- alert: (\w+)", rules.read_text())
    test: dict[str, Any] = {
        "interval": "1m",
        "input_series": [{"series": name, "values": values} for name, values in series.items()],
        "alert_rule_test": [
            {"eval_time": at, "alertname": name, "exp_alerts": []} for name in names
        ],
    }
    file = rules.parent / "test.yml"
    file.write_text(json.dumps({"rule_files": [rules.name], "tests": [test]}))
    try:
        return promtool("test", "rules", file)
    except AssertionError as error:
        return str(error)


def test_prometheus_takes_the_rules(rules: Path) -> None:
    assert "SUCCESS" in promtool("check", "rules", "--lint=all", "--lint-fatal", rules)


def test_prometheus_finds_no_fault_in_any_metric() -> None:
    for service in SERVICES:
        importlib.import_module(f"services.{service}.app")
    shown = generate_latest(REGISTRY).decode()
    assert promtool("check", "metrics", text=shown) == ""


def test_rules_and_queries_name_only_metrics_that_there_are() -> None:
    for service in SERVICES:
        importlib.import_module(f"services.{service}.app")
    shown = generate_latest(REGISTRY).decode()
    known = set(re.findall(r"^# TYPE (\w+) ", shown, re.MULTILINE))
    # Behind a slash it is a file, not a series.
    named = set(re.findall(r"(?<![/\w])surehand_\w+", PAGE.read_text()))
    assert {re.sub(r"_(bucket|sum|count)$", "", name) for name in named} <= known


HEALTHY = {
    'surehand_review_queue_oldest_wait_seconds{project="p",lane="mandatory"}': "600x120",
    'surehand_trainer_promise_info{project="p",version="v1",role="champion",state="certified"}': (
        "1x120"
    ),
    'surehand_trainer_certificate_expires_timestamp_seconds{project="p",version="v1"}': (
        f"{30 * DAY}x120"
    ),
    'surehand_trainer_watched_until_timestamp_seconds{project="p"}': "300+60x120",
    'surehand_trainer_feed_read_timestamp_seconds{project="p"}': "0+60x120",
    'surehand_trainer_runs_items{project="p",state="failed"}': "2x120",
    'surehand_service_token_expires_timestamp_seconds{service="router"}': f"{90 * DAY}x120",
}
FAULTS = {
    "ReviewOverdue": (
        'surehand_review_queue_oldest_wait_seconds{project="p",lane="mandatory"}',
        "20000+60x120",
    ),
    "AuditsWait": (
        'surehand_review_queue_oldest_wait_seconds{project="p",lane="audit"}',
        "86500+60x120",
    ),
    "PromiseNotCertified": (
        'surehand_trainer_promise_info{project="p",version="v1",role="champion",state="expired"}',
        "1x120",
    ),
    "CertificateExpires": (
        'surehand_trainer_certificate_expires_timestamp_seconds{project="p",version="v1"}',
        f"{2 * DAY}x120",
    ),
    "PromiseUnwatched": (
        'surehand_trainer_watched_until_timestamp_seconds{project="p"}',
        "7100x120",
    ),
    "FeedBehind": ('surehand_trainer_feed_read_timestamp_seconds{project="p"}', "600x120"),
    "RunFailed": ('surehand_trainer_runs_items{project="p",state="failed"}', "2x90 3x30"),
    "ServiceTokenExpires": (
        'surehand_service_token_expires_timestamp_seconds{service="router"}',
        f"{6 * DAY}x120",
    ),
}


def test_a_healthy_installation_raises_no_alert(rules: Path) -> None:
    assert "SUCCESS" in _alerts(rules, HEALTHY, "2h")


@pytest.mark.parametrize("alert", FAULTS)
def test_a_fault_raises_its_alert_and_no_other(rules: Path, alert: str) -> None:
    series, values = FAULTS[alert]
    printed = _alerts(rules, HEALTHY | {series: values}, "2h")
    assert set(re.findall(r"alertname: ?(\w+)", printed)) == {alert}
