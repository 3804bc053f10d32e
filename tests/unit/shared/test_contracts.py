"""Messages and documents: strictness, ids, and the digest that a certificate speaks about."""

import uuid
from datetime import UTC, date, datetime, time, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from shared.contracts.base import UtcTime, from_stored, new_id, rfc3339, task_id_for, utc_now
from shared.contracts.certificates import attempt_delta, complement, least_labels
from shared.contracts.decisions import PredictRequest
from shared.contracts.projects import (
    MOST_CERTAIN,
    Project,
    ProjectSpec,
    certificate_digest,
)
from tests.flags import FlagField

SPEC: dict[str, Any] = {"labels": ["no", "yes"], "fields": {"text": {"type": "text"}}}


@given(
    st.datetimes(
        datetime(2, 1, 1),  # noqa: DTZ001 - Hypothesis adds the zone
        datetime(9998, 12, 31),  # noqa: DTZ001
        timezones=st.sampled_from([UTC, timezone(timedelta(hours=-9, minutes=-30))]),
    ),
    st.booleans(),
)
def test_moments_are_written_in_utc_with_milliseconds(moment: datetime, is_whole: bool) -> None:
    taken = moment.replace(microsecond=0) if is_whole else moment
    naive = taken.astimezone(UTC).replace(tzinfo=None)
    assert rfc3339(taken) == f"{naive.isoformat(timespec='milliseconds')}Z"


def test_task_id_is_a_fixed_function_of_project_and_item() -> None:
    # Written down: another value would orphan every task that was ever made.
    assert task_id_for("shop", "order-17") == "b3f85eab-e70d-53e4-aba6-e234ad9cf163"


@given(st.text(max_size=20), st.text(max_size=20))
def test_task_ids_of_different_items_differ(left: str, right: str) -> None:
    assert (task_id_for("shop", left) == task_id_for("shop", right)) == (left == right)


def test_new_ids_are_version_7_and_grow() -> None:
    ids = [new_id() for _ in range(100)]
    assert {uuid.UUID(one).version for one in ids} == {7}
    assert ids == sorted(ids)


@pytest.mark.parametrize("item_id", ["", "x" * 201, "a\nb", "a\x00b", "a\x7fb", 7, None])
def test_bad_item_id_is_refused(item_id: object) -> None:
    with pytest.raises(ValidationError):
        PredictRequest.model_validate({"items": [{"item_id": item_id, "data": {}}]})


@pytest.mark.parametrize(
    "change",
    [
        {"items": []},
        {"items": [{"data": {}}] * 1001},
        {"wait_seconds": 61},
        {"wait_seconds": "1"},
        {"review": "sometimes"},
        {"unknown": 1},
    ],
)
def test_predict_request_outside_the_contract_is_refused(change: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        PredictRequest.model_validate({"items": [{"data": {}}], **change})


@pytest.mark.parametrize(
    "change",
    [
        {"labels": ["only"]},
        {"labels": ["same", "same"]},
        {"fields": {}},
        {"promise": {"target_accuracy": 1.0}},
        {"promise": {"certification_labels": 400, "label_budget_per_period": 399}},
        {"promise": {"target_accuracy": float("nan")}},
        {"promise": {"target_accuracy": 1 - 1e-10}},
        {"promise": {"confidence": 1 - 1e-13}},
        {"promise": {"target_accuracy": 0.99, "certification_labels": 320}},
        {"training": {"min_new_labels": 0}},
        {"training": {"recipe": "Magic spell"}},
        {"webhooks": [{"url": "https://example.org"}]},
        {"review": {"overlap": 6, "max_overlap": 5}},
    ],
)
def test_project_that_cannot_be_kept_is_refused(change: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        ProjectSpec.model_validate({**SPEC, **change})


def test_a_stored_project_of_the_release_before_may_be_closer_to_certainty() -> None:
    moment = rfc3339(utc_now())
    stored = {"project": "shop", "revision": 1, "created_at": moment, "updated_at": moment}
    promise = {"target_accuracy": 1 - 1e-13, "confidence": 1 - 1e-13}
    project = Project.model_validate({**SPEC, **stored, "promise": promise})
    assert project.promise.confidence == 1 - 1e-13
    certain = {"target_accuracy": 0.9999, "confidence": MOST_CERTAIN}
    labels = {"certification_labels": 1_000_000}
    assert ProjectSpec.model_validate({**SPEC, "promise": certain | labels}).promise.confidence < 1


def test_a_stored_project_of_the_release_before_may_promise_what_its_labels_cannot_prove() -> None:
    moment = rfc3339(utc_now())
    stored = {"project": "shop", "revision": 1, "created_at": moment, "updated_at": moment}
    promise = {"target_accuracy": 0.99, "certification_labels": 40}
    project = Project.model_validate({**SPEC, **stored, "promise": promise})
    assert project.promise.certification_labels == 40


@given(st.floats(0.501, 0.999), st.floats(0.5, 0.999))
def test_so_many_labels_without_an_error_prove_a_target_and_one_less_do_not(
    target: float, confidence: float
) -> None:
    delta, least = attempt_delta(complement(confidence), 1), least_labels(target, confidence)
    assert target**least <= delta * (1 + 1e-9)
    assert target ** (least - 1) > delta * (1 - 1e-9)


@pytest.mark.parametrize(
    "change",
    [
        {"labels": ["yes", "no"]},
        {"fields": {"text": {"type": "text", "max_length": 10}}},
        {"instructions": "Read it twice."},
        {"promise": {"target_accuracy": 0.9}},
        {"promise": {"confidence": 0.9}},
    ],
)
def test_certificate_digest_changes_with_what_it_speaks_about(change: dict[str, Any]) -> None:
    before = certificate_digest(ProjectSpec.model_validate(SPEC))
    assert certificate_digest(ProjectSpec.model_validate({**SPEC, **change})) != before


@pytest.mark.parametrize(
    "change",
    [
        {"title": "New"},
        {"promise": {"audit_rate": 0.2}},
        {"retention_days": 5},
        {"capacity": {"reviewer_hours_per_day": 8, "price_review": 1, "price_error": 50}},
    ],
)
def test_certificate_digest_outlives_other_changes(change: dict[str, Any]) -> None:
    before = certificate_digest(ProjectSpec.model_validate(SPEC))
    assert certificate_digest(ProjectSpec.model_validate({**SPEC, **change})) == before


_ZONES = st.timedeltas(timedelta(hours=-23, minutes=-59), timedelta(hours=23, minutes=59))
_ANY_TIME: TypeAdapter[datetime] = TypeAdapter(UtcTime)


_DAYS = st.integers(1, 3_652_059)
# Hypothesis seldom comes to the ends of the calendar by itself.
_NEAR_AN_END = st.integers(1, 732) | st.integers(3_652_059 - 732, 3_652_059)


@given(_DAYS | _NEAR_AN_END, st.times(), _ZONES.map(timezone))
def test_a_time_that_is_taken_exists_in_every_zone(day: int, clock: time, zone: timezone) -> None:
    moment = datetime.combine(date.fromordinal(day), clock, zone)
    try:
        taken = _ANY_TIME.validate_python(moment)
    except ValidationError:
        assert moment.year in {1, 2, 9998, 9999}
        return
    assert taken.astimezone(UTC) == moment
    for offset in (-23, 23):
        taken.astimezone(timezone(timedelta(hours=offset)))
    again = _ANY_TIME.validate_json(f'"{rfc3339(taken)}"')
    assert abs(again - moment) < timedelta(milliseconds=1)


def test_certificate_digest_is_that_of_the_first_release_and_of_all_at_defaults() -> None:
    fields = {"t": {"type": "text"}, "k": {"type": "category", "values": ["x"]}}
    spec = ProjectSpec.model_validate({"labels": ["a", "b"], "fields": fields})
    # Written down: another value would end every certificate at an update.
    digest = "938b557d6b0a3769a3c075e83ab4b51f28b58bdc8dfe64137dabd4e4e96b50e4"
    assert certificate_digest(spec) == digest
    assert FlagField().certified() == {
        "type": "flag",
        "max_length": 20_000,
        "values": None,
        "length": None,
    }
    assert FlagField(yes="a gift").certified()["yes"] == "a gift"


def test_what_clients_send_has_known_names_and_members_alone() -> None:
    later = {**SPEC, "fields": {"sound": {"type": "audio", "max_seconds": 3}}, "quota": 1}
    with pytest.raises(ValidationError) as refused:
        ProjectSpec.model_validate(later)
    assert {error["loc"] for error in refused.value.errors()} == {
        ("quota",),
        ("fields", "sound", "type"),
    }
    stored = from_stored(ProjectSpec, later)
    assert stored.fields["sound"].type == "audio"
    with pytest.raises(ValidationError):
        from_stored(ProjectSpec, {**SPEC, "fields": {"text": {"type": "text", "length": 1}}})
