"""How the demo cuts its posts, and how it counts."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from services.demo.change import Answers, ChangeChapter
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
from services.demo.texts import RatedText, Texts
from surehand import Prediction
from surehand.models.promises import Certificate, Hypothesis


def _posts(count: int) -> list[RatedText]:
    return [RatedText(str(n), f"post {n}", (2, -1) if n % 2 else (1, -2)) for n in range(count)]


def test_parts_are_disjoint_and_whole_whatever_the_order() -> None:
    posts = _posts(3432)
    reviews = [RatedText(f"review-{n}", f"review {n}", (3, -1)) for n in range(50)]
    plan = Plan.of(Texts(posts, reviews, reviews))
    parts = [plan.held_out, plan.first_stream, plan.second_stream, plan.pool]
    ids = [rated.id for part in parts for rated in part]
    assert sorted(ids) == sorted(rated.id for rated in posts)
    assert [len(part) for part in parts[:3]] == [HELD_OUT, FIRST_STREAM, SECOND_STREAM]
    assert Plan.of(Texts(posts[::-1], reviews[::-1], reviews)) == plan
    # People mean the opposite by the reviews, and may be asked about every text.
    assert [rated.ratings for rated in plan.changed] == [(-3, 1)] * 50
    assert len({rated.id for rated in plan.texts}) == len(plan.texts) == 3432 + 50


def test_the_pool_lasts_for_every_draw_of_the_first_version_and_one_of_the_second() -> None:
    left = len(Plan.of(Texts(_posts(3432), _posts(1), _posts(1))).pool) - TRAINING_LABELS
    share_in_the_candidate_region = 0.6
    needed = (CERTIFICATION_DRAWS + 1) * CERTIFICATION_LABELS
    assert left * share_in_the_candidate_region >= needed


def _prediction(decision: str, reason: str, label: str | None) -> Prediction:
    return Prediction(
        item_id="post",
        decision=decision,
        label=label,
        reason=reason,
        audited=reason == "confident" and label == "positive",
        propensity=0.05,
        model_version="v1",
        decided_at=datetime(2026, 11, 28, tzinfo=UTC),
    )


def test_only_the_systems_own_answers_count_as_answered() -> None:
    report = VersionReport("v1", 100)
    predictions = [
        _prediction("answered", "confident", "positive"),
        _prediction("answered", "confident", "positive"),
        _prediction("answered", "human", "positive"),
        _prediction("in_review", "below_threshold", None),
    ]
    # The majority is negative, positive, negative, positive.
    for rated, prediction in zip(_posts(4), predictions, strict=True):
        report.count(rated, prediction)
    document = report.document()
    assert document["answered"] == 2
    assert document["errors_answered"] == 1
    assert document["share_answered"] == 0.5
    assert document["audited"] == 2


def test_report_has_the_promised_keys_and_says_what_other_targets_got() -> None:
    other = {
        target: Certificate(
            state="failed",
            hypothesis=Hypothesis(target_accuracy=target, threshold=threshold, coverage=coverage),
        )
        for target, threshold, coverage in ((0.95, 0.97, 0.12), (0.99, None, 0.0))
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


def _chapter(**changes: Any) -> ChangeChapter:
    history: list[dict[str, Any]] = [
        {"at": "2026-11-28T10:00:07Z", "version": "v2", "to": "suspended", "detail": "5 wrong"},
        {"at": "2026-11-28T10:00:20Z", "version": "v2", "to": "recertifying", "detail": "5 wrong"},
        {"at": "2026-11-28T10:01:00Z", "version": "v3", "to": "certified", "detail": None},
    ]
    return replace(
        ChangeChapter("v2", Answers(500, 160, 127), to_people=1_800, history=history), **changes
    )


def test_the_report_tells_the_change_with_the_history() -> None:
    chapter = _chapter(after="v3", under_new=Answers(300, 120, 9), seconds_to_resume=74.2)
    report = Report(0.9, 0.95, [VersionReport("v1", 100)], {}, 3, chapter)
    assert report.document()["change"]["under_old"] == {"sent": 500, "answered": 160, "wrong": 127}
    text = "\n".join(report.lines())
    assert "v2 gave 160 answers, 127 of them wrong" in text
    assert (
        "  10:00:07 v2 suspended: 5 wrong\n  10:00:20 v2 recertifying\n  10:01:00 v3 certified\n"
    ) in text
    assert (
        "74 s after the suspension v3 answered: 120 of 300 reviews (40%), 9 of them wrong" in text
    )


def test_the_report_says_why_no_version_was_certified_after_the_change() -> None:
    chapter = _chapter(obstacle="v3: traffic has 12 new items")
    assert chapter.lines()[-1].endswith("(v3: traffic has 12 new items).")


def test_only_answers_given_alone_count_in_the_change() -> None:
    answers = Answers()
    predictions = [
        _prediction("answered", "confident", "positive"),
        _prediction("answered", "confident", "positive"),
        _prediction("answered", "human", "positive"),
        _prediction("in_review", "promise_suspended", None),
    ]
    answers.count(_posts(4), predictions)
    assert answers == Answers(sent=4, answered=2, wrong=1)
