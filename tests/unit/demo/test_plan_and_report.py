"""How the demo cuts its posts, and how it counts."""

from typing import Any

from services.demo.plan import (
    CERTIFICATION_DRAWS,
    CERTIFICATION_LABELS,
    FIRST_STREAM,
    HELD_OUT,
    SECOND_STREAM,
    TRAINING_LABELS,
    Plan,
)
from services.demo.report import Report, VersionReport
from services.demo.tweets import Tweet


def _tweets(count: int) -> list[Tweet]:
    return [Tweet(str(n), f"post {n}", (2, -1) if n % 2 else (1, -2)) for n in range(count)]


def test_parts_are_disjoint_and_whole_whatever_the_order() -> None:
    tweets = _tweets(3432)
    plan = Plan.of(tweets)
    parts = [plan.held_out, plan.first_stream, plan.second_stream, plan.pool]
    ids = [tweet.id for part in parts for tweet in part]
    assert sorted(ids) == sorted(tweet.id for tweet in tweets)
    assert [len(part) for part in parts[:3]] == [HELD_OUT, FIRST_STREAM, SECOND_STREAM]
    assert Plan.of(tweets[::-1]) == plan


def test_the_pool_lasts_for_every_draw_of_the_first_version_and_one_of_the_second() -> None:
    left = len(Plan.of(_tweets(3432)).pool) - TRAINING_LABELS
    share_in_the_candidate_region = 0.6
    needed = (CERTIFICATION_DRAWS + 1) * CERTIFICATION_LABELS
    assert left * share_in_the_candidate_region >= needed


def _prediction(decision: str, reason: str, label: str | None) -> dict[str, object]:
    return {
        "model_version": "v1", "decision": decision, "reason": reason, "label": label,
        "audited": reason == "confident" and label == "positive",
    }  # fmt: skip


def test_only_the_systems_own_answers_count_as_answered() -> None:
    report = VersionReport("v1", 100)
    predictions = [
        _prediction("answered", "confident", "positive"),
        _prediction("answered", "confident", "positive"),
        _prediction("answered", "human", "positive"),
        _prediction("in_review", "below_threshold", None),
    ]
    # The majority is negative, positive, negative, positive.
    for tweet, prediction in zip(_tweets(4), predictions, strict=True):
        report.count(tweet, prediction)
    document = report.document()
    assert document["answered"] == 2
    assert document["errors_answered"] == 1
    assert document["share_answered"] == 0.5
    assert document["audited"] == 2


def test_report_has_the_promised_keys_and_says_what_other_targets_got() -> None:
    other: dict[float, dict[str, Any]] = {
        0.95: {"hypothesis": {"threshold": 0.97, "coverage": 0.12}},
        0.99: {"hypothesis": {"threshold": None, "coverage": 0.0}},
    }
    version = VersionReport("v1", 100, "v1 was not certified (about 40 more labels).")
    report = Report(0.9, 0.95, [version], other, 3)
    document = report.document()
    assert document["promise"] == {"target_accuracy": 0.9, "confidence": 0.95}
    assert document["versions"][0].keys() == {
        "version", "held_out_accuracy", "threshold", "share_answered", "answered",
        "errors_answered", "verdicts_used", "seconds_verdict_to_live", "seconds_publish_to_live",
        "streamed", "obstacle", "audited",
    }  # fmt: skip
    text = "\n".join(report.lines())
    assert "95% would get a threshold of 0.9700 and 12%" in text
    assert "99% would get nothing" in text
    assert "v1 was not certified (about 40 more labels)." in text
