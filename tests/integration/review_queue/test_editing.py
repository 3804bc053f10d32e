"""Edits of a project: merge patches, GET's body sent back, dry runs, wording-only edits."""

import asyncio
from datetime import timedelta
from typing import Any

import httpx
import pytest

from services.review_queue.projects.messages import ProjectStatement
from shared.contracts.projects import Project, ProjectDocument, ProjectSpec, certificate_digest
from shared.contracts.versions import PromiseState
from shared.settings import CommonSettings
from shared.store import Store, project_path
from tests.harness.desk import PROJECT, Desk, Json, body_of, problem_of
from tests.harness.model_publisher import Publisher, entry_of

pytestmark = pytest.mark.any_database

FIELDS = {
    "text": {"type": "text", "max_length": 100},
    "size": {"type": "number"},
    "kind": {"type": "category", "values": ["x", "y"]},
    "note": {"type": "json"},
}
STATED: Json = {
    "fields": FIELDS,
    "promise": {"target_accuracy": 0.8, "certification_labels": 40, "audit_rate": 0.1},
    "review": {"overlap": 2, "lease_seconds": 60, "blind": False},
    "capacity": {"reviewer_hours_per_day": 12.5, "price_review": 0.4},
    "retention_days": 7,
}
REWORDED = "Read all of the review."


async def patch(desk: Desk, changes: Any, **parts: Any) -> httpx.Response:
    return await desk.operator.patch(desk.path(), json=changes, **parts)


def without_times(project: Json) -> Json:
    return {name: value for name, value in project.items() if name != "updated_at"}


def pointers(answer: httpx.Response) -> list[str]:
    return [fault["pointer"] for fault in problem_of(answer, 422, "unprocessable")["errors"]]


def test_what_a_project_has_and_a_statement_does_not_say_is_read_only() -> None:
    read_only = set(Project.model_fields) - set(ProjectSpec.model_fields)
    assert read_only < set(ProjectStatement.model_fields)
    schema = ProjectStatement.model_json_schema()["properties"]
    assert {name for name, member in schema.items() if member.get("readOnly")} == read_only


async def test_what_get_gives_is_what_put_takes(desk: Desk) -> None:
    await desk.put_project(**STATED)
    given = body_of(await desk.operator.get(desk.path()))
    again = body_of(await desk.operator.put(desk.path(), json=given))
    assert again == given
    stale = given | {"title": "Other", "revision": 99, "project": "other"}
    changed = body_of(await desk.operator.put(desk.path(), json=stale))
    expected = given | {"title": "Other", "revision": 2}
    assert without_times(changed) == without_times(expected)
    unknown = await desk.operator.put(desk.path(), json=given | {"colour": "red"})
    assert pointers(unknown) == ["/colour"]


async def test_a_patch_changes_what_it_names_alone(desk: Desk) -> None:
    before = await desk.put_project(**STATED)
    changes = {"title": "Other", "promise": {"audit_rate": 0.2}}
    after = body_of(await patch(desk, changes))
    expected = before | {"title": "Other", "revision": 2}
    expected["promise"] = before["promise"] | {"audit_rate": 0.2}
    assert without_times(after) == without_times(expected)
    assert body_of(await desk.operator.get(desk.path())) == after
    again = await patch(desk, changes)
    assert (body_of(again), again.headers["etag"]) == (after, '"2"')
    media_type = {"Content-Type": "application/merge-patch+json"}
    reset = body_of(
        await patch(desk, {"review": {"blind": None}, "title": None}, headers=media_type)
    )
    assert (reset["review"]["blind"], reset["review"]["overlap"], reset["title"]) == (True, 2, "")


async def test_a_patch_adds_and_removes_fields(desk: Desk) -> None:
    await desk.put_project(**STATED)
    changes: Json = {"fields": {"note": None, "kind": {"type": "json"}, "more": {"type": "number"}}}
    # What is not named stays: values, which no field of the new type has.
    assert pointers(await patch(desk, changes))
    changes["fields"]["kind"]["values"] = None
    after = body_of(await patch(desk, changes))
    kinds = {name: member["type"] for name, member in after["fields"].items()}
    assert kinds == {"text": "text", "size": "number", "kind": "json", "more": "number"}


@pytest.mark.parametrize(
    ("changes", "pointer"),
    [
        ({"labels": None}, "/labels"),
        ({"labels": ["one"]}, "/labels"),
        ({"promise": {"target_accuracy": 2}}, "/promise/target_accuracy"),
        ({"colour": "red"}, "/colour"),
        ({"review": {"overlap": "2"}}, "/review/overlap"),
        ({"wording_only": "yes"}, "/wording_only"),
    ],
)
async def test_a_bad_patch_changes_nothing(desk: Desk, changes: Json, pointer: str) -> None:
    before = await desk.put_project()
    assert pointers(await patch(desk, {"title": "Other"} | changes)) == [pointer]
    assert body_of(await desk.operator.get(desk.path())) == before


async def test_a_patch_is_an_object_of_a_known_project_by_an_operator(desk: Desk) -> None:
    problem_of(await patch(desk, {"title": "a"}), 404, "not-found")
    await desk.put_project()
    problem_of(await patch(desk, ["title"]), 422, "unprocessable")
    refused = await desk.reviewer("r1").patch(desk.path(), json={"title": "a"})
    problem_of(refused, 403, "forbidden")


async def test_if_match_patches_the_named_revision_only(desk: Desk) -> None:
    await desk.put_project()
    title = {"title": "Other"}
    assert (await patch(desk, title, headers={"If-Match": '"1"'})).status_code == 200
    for revision in ('"1"', '"0"'):
        stale = await patch(desk, {"title": "Third"}, headers={"If-Match": revision})
        assert problem_of(stale, 409, "conflict")["revision"] == 2
    dry = await patch(desk, title, headers={"If-Match": '"1"'}, params={"dry_run": True})
    problem_of(dry, 409, "conflict")


@pytest.mark.sql
async def test_patches_at_the_same_time_keep_what_the_others_changed(desk: Desk) -> None:
    await desk.put_project()
    changes: list[Json] = [
        {"title": "Other"},
        {"retention_days": 5},
        {"review": {"overlap": 2}},
        {"review": {"due_seconds": 60}},
        {"promise": {"audit_rate": 0.5}},
    ]
    answers = await asyncio.gather(*(patch(desk, one) for one in changes))
    assert [answer.status_code for answer in answers] == [200] * len(changes)
    after = body_of(await desk.operator.get(desk.path()))
    assert (after["title"], after["retention_days"], after["revision"]) == ("Other", 5, 6)
    assert (after["review"]["overlap"], after["review"]["due_seconds"]) == (2, 60)
    assert after["promise"]["audit_rate"] == 0.5


async def test_a_dry_run_writes_nothing(desk: Desk) -> None:
    first = await desk.operator.put(desk.path(), json=PROJECT, params={"dry_run": True})
    none = {"certificate": "none", "labels_to_renew": 0}
    assert body_of(first)["effect"].items() >= none.items()
    problem_of(await desk.operator.get(desk.path()), 404, "not-found")
    before = await desk.put_project()
    answer = await patch(desk, {"title": "Other"}, params={"dry_run": True})
    preview = body_of(answer)
    expected = before | {"title": "Other", "revision": 2}
    assert without_times(preview["project"]) == without_times(expected)
    bad = await patch(desk, {"labels": []}, params={"dry_run": True})
    assert pointers(bad) == ["/labels"]
    assert body_of(await desk.operator.get(desk.path())) == before


async def test_a_rewording_keeps_what_certificates_are_about(desk: Desk) -> None:
    before = await desk.put_project()
    changes = {"instructions": REWORDED, "wording_only": True, "title": "Other"}
    after = body_of(await desk.of("operator", "olga").patch(desk.path(), json=changes))
    assert after["instructions"] == REWORDED
    assert after["rewording"] == {
        "instructions": before["instructions"],
        "revision": 2,
        "declared_by": "olga",
        "declared_at": after["updated_at"],
    }
    assert (after["instructions_revision"], "wording_only" in after) == (2, False)
    log = body_of(await desk.operator.get(desk.path("activity?action=project.replaced")))
    (line,) = log["activity"]
    assert (line["actor"], line["target"]) == ("olga", "2")
    changes = line["detail"].pop("changes")
    assert [change.split(":")[0] for change in changes] == ["instructions", "title"]
    assert line["detail"] == {"changed": ["instructions", "title"], "wording_only": True}

    def digest(project: Json) -> str:
        return certificate_digest(Project.model_validate(project))

    assert digest(after) == digest(before)
    other = body_of(await patch(desk, {"title": "Third"}))
    assert (digest(other), other["rewording"]) == (digest(before), after["rewording"])
    put_back = body_of(await desk.operator.put(desk.path(), json=other))
    assert put_back == other
    twice = body_of(await patch(desk, {"instructions": "Read it.", "wording_only": True}))
    assert (digest(twice), twice["rewording"]["revision"]) == (digest(before), 4)
    anew = body_of(await patch(desk, {"instructions": "Judge the seller."}))
    assert (anew["rewording"], digest(anew) == digest(before)) == (None, False)
    restored = body_of(await patch(desk, {"instructions": before["instructions"]}))
    assert digest(restored) == digest(before)


@pytest.mark.parametrize(
    ("changes", "pointer"),
    [
        ({"labels": ["negative", "positive", "neutral"]}, "/labels"),
        ({"fields": {"text": {"max_length": 50}}}, "/fields"),
        ({"promise": {"target_accuracy": 0.9}}, "/promise/target_accuracy"),
        ({"promise": {"confidence": 0.9}}, "/promise/confidence"),
    ],
)
async def test_a_rewording_changes_nothing_else_that_is_certified(
    desk: Desk, changes: Json, pointer: str
) -> None:
    await desk.put_project()
    stated = changes | {"instructions": REWORDED, "wording_only": True}
    assert pointers(await patch(desk, stated)) == [pointer]
    body_of(await patch(desk, changes | {"instructions": REWORDED}))


async def test_a_new_project_rewords_nothing(desk: Desk) -> None:
    answer = await desk.operator.put(desk.path(), json=PROJECT | {"wording_only": True})
    assert pointers(answer) == ["/wording_only"]


async def certify(
    desk: Desk, common: CommonSettings, state: PromiseState = "certified", **changes: Any
) -> None:
    """Write a promise under which v1 is in `state` for the project as it is."""
    store = Store(common.store_address)
    project = await store.read_document(project_path(desk.project), ProjectDocument)
    assert project is not None
    entry = entry_of(project, "ab" * 32, state=state, now=desk.clock())
    await Publisher(store, project).put_promise(v1=entry.model_copy(update=changes))


async def effect(desk: Desk, changes: Json) -> Json:
    effect: Json = body_of(await patch(desk, changes, params={"dry_run": True}))["effect"]
    return effect


@pytest.mark.own_desk
async def test_a_dry_run_tells_what_becomes_of_the_certificate(
    desk: Desk, common: CommonSettings
) -> None:
    await desk.put_project(promise={"certification_labels": 210})
    uncertified = {
        "certificate": "none",
        "why": ["no version is certified for the project as it is"],
        "labels_to_renew": 0,
    }
    assert await effect(desk, {"instructions": "New"}) == uncertified
    await certify(desk, common)
    assert await effect(desk, {"instructions": "New"}) == {
        "certificate": "ended",
        "why": ["ends certificate of v1: instructions changed"],
        "labels_to_renew": 210,
    }
    both = {"labels": ["a", "b"], "promise": {"confidence": 0.9, "certification_labels": 300}}
    assert await effect(desk, both) == {
        "certificate": "ended",
        "why": ["ends certificate of v1: labels, confidence changed"],
        "labels_to_renew": 300,
    }
    kept = {"certificate": "kept", "why": [], "labels_to_renew": 0}
    assert await effect(desk, {"title": "New", "review": {"overlap": 2}}) == kept
    reworded = {"instructions": REWORDED, "wording_only": True}
    said = ["the instructions are declared to say the same"]
    assert await effect(desk, reworded) == kept | {"why": said}
    replaced = await desk.operator.put(desk.path(), json=PROJECT, params={"dry_run": "true"})
    assert body_of(replaced)["effect"]["certificate"] == "kept"
    body_of(await patch(desk, {"instructions": "New"}))
    assert await effect(desk, {"title": "New"}) == uncertified


@pytest.mark.own_desk
async def test_only_a_certificate_that_holds_can_be_ended(
    desk: Desk, common: CommonSettings
) -> None:
    await desk.put_project()
    await certify(desk, common, "suspended")
    assert (await effect(desk, {"instructions": "New"}))["certificate"] == "none"
    await certify(desk, common, expires_at=desk.clock() - timedelta(seconds=1))
    assert (await effect(desk, {"instructions": "New"}))["certificate"] == "none"
    await certify(desk, common, "warn")
    assert (await effect(desk, {"instructions": "New"}))["certificate"] == "ended"
