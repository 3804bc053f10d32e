"""Tags of reviewers against what tasks need."""

import asyncio

import pytest

from tests.harness.desk import PROJECT, Desk, Json, body_of, entry, problem_of

METADATA = ["language", "skill", "channel"]
GERMAN, LAW = {"language": "de"}, {"language": "de", "skill": "law"}


async def matching(desk: Desk, **review: object) -> None:
    await desk.put_project(
        metadata=METADATA, review={"lease_seconds": 60, "match": ["language", "skill"], **review}
    )


async def tag(desk: Desk, reviewer: str, *tags: str) -> Json:
    path = desk.path(f"reviewers/{reviewer}/tags")
    return body_of(await desk.operator.put(path, json={"tags": tags}))


async def leased(desk: Desk, name: str, count: int = 9) -> set[str]:
    return {one["task"]["item_id"] for one in await desk.lease(name, count)}


async def queue(desk: Desk) -> Json:
    return body_of(await desk.service.get(desk.path("queue")))


@pytest.mark.sql
async def test_a_task_is_leased_only_to_reviewers_whose_tags_cover_its_needs(desk: Desk) -> None:
    await matching(desk)
    await desk.post(
        entry("all", metadata={"channel": "web"}),
        entry("german", metadata=GERMAN),
        entry("law", metadata=LAW),
        entry("french", metadata={"language": "fr"}),
    )
    await tag(desk, "lawyer", "language=DE", "skill=law", "skill=tax")
    await tag(desk, "german", "language=de")
    await tag(desk, "law-alone", "skill=law")
    assert await leased(desk, "law-alone", 1) == {"all"}
    assert await leased(desk, "none") == set()
    assert await leased(desk, "german") == {"german"}
    assert await leased(desk, "lawyer") == {"law"}
    waiting = await queue(desk)
    assert (waiting["open"], waiting["uncovered"]) == (1, 1)
    assert waiting["uncovered_needs"] == [{"tags": ["language=fr"], "waiting": 1}]


@pytest.mark.sql
async def test_claims_that_come_together_give_each_task_to_who_covers_it(desk: Desk) -> None:
    await matching(desk)
    names = ["de", "fr", "it", "es"]
    await desk.post(
        *(
            entry(f"{name}-{number}", metadata={"language": name})
            for number in range(6)
            for name in names
        )
    )
    for name in names:
        await tag(desk, f"r-{name}", f"language={name}")
    got = await asyncio.gather(*(leased(desk, f"r-{name}", 3) for name in names * 2))
    for name, items in zip(names * 2, got, strict=True):
        assert {item[:2] for item in items} == {name}
        assert len(items) == 3


async def test_a_reviewer_who_waits_gets_the_task_once_tagged(desk: Desk) -> None:
    await matching(desk)
    await desk.post(entry("german", metadata=GERMAN))
    waiting = asyncio.create_task(desk.lease("anna", wait_seconds=20))
    await desk.lease("anna")
    await tag(desk, "anna", "language=de")
    (lease,) = await waiting
    assert lease["task"]["item_id"] == "german"


async def test_what_comes_back_goes_to_who_covers_it_now(desk: Desk) -> None:
    await matching(desk)
    await desk.post(entry("german", metadata=GERMAN))
    await tag(desk, "anna", "language=de")
    lease = await desk.lease_one("anna")
    await tag(desk, "anna")
    # What is held may be finished, and taken back.
    await desk.verdict("anna", lease["token"], "positive")
    body_of(await desk.use("anna", lease["token"], "undo"))
    assert await leased(desk, "anna") == set()
    assert (await queue(desk))["uncovered"] == 1
    await tag(desk, "anna", "language=de")
    assert await leased(desk, "anna") == {"german"}


async def test_only_reviewers_who_cover_it_are_left_to_ask(desk: Desk) -> None:
    await matching(desk, overlap=1, max_overlap=2)
    await desk.post(entry("any"), entry("german", metadata=GERMAN))
    await tag(desk, "anna", "language=de")
    # Somebody else answers here, but cannot answer the German task.
    assert await leased(desk, "ben", 1) == {"any"}
    lease = await desk.lease_one("anna")
    skipped = body_of(await desk.use("anna", lease["token"], "skip", {"reason": "unclear"}))
    assert skipped["state"] == "open"
    assert await leased(desk, "ben") == set()


async def test_gold_comes_only_to_reviewers_who_cover_it(desk: Desk) -> None:
    await matching(desk, onboarding_tasks=2)
    gold = [
        {"item_id": name, "data": {"text": name}, "label": "positive", "metadata": metadata}
        for name, metadata in (("gold-de", GERMAN), ("gold-fr", {"language": "fr"}))
    ]
    body_of(await desk.operator.post(desk.path("gold"), json={"items": gold}))
    await desk.post(*(entry(f"german-{number}", metadata=GERMAN) for number in range(3)))
    await tag(desk, "anna", "language=de")
    first = await desk.lease_one("anna")
    assert first["task"]["item_id"] == "gold-de"
    await desk.verdict("anna", first["token"], "positive")
    assert (await desk.lease_one("anna"))["task"]["item_id"].startswith("german-")


@pytest.mark.any_database
async def test_an_edit_of_match_is_for_tasks_that_come_afterwards(desk: Desk) -> None:
    await matching(desk)
    await desk.post(entry("before", metadata=GERMAN))
    await desk.put_project(metadata=METADATA)
    await desk.post(entry("after", metadata=GERMAN))
    assert await leased(desk, "none") == {"after"}
    await tag(desk, "anna", "language=de")
    assert await leased(desk, "anna") == {"before"}


@pytest.mark.any_database
async def test_tags_are_listed_logged_and_made_with_a_link(desk: Desk) -> None:
    await matching(desk)
    assert (await tag(desk, "anna/b", "skill=Tax  Law", "language=de", "language=de"))["tags"] == [
        *("language=de", "skill=tax law")
    ]
    shown = body_of(await desk.operator.get(desk.path("reviewers/anna%2Fb/tags")))
    assert shown == {"reviewer": "anna/b", "tags": ["language=de", "skill=tax law"]}
    link = {"subject": "ben", "tags": ["language=fr"]}
    body_of(await desk.operator.post(desk.path("links"), json=link))
    listed = body_of(await desk.operator.get(desk.path("reviewers")))["reviewers"]
    assert [(one["reviewer"], one["tags"]) for one in listed] == [
        ("anna/b", ["language=de", "skill=tax law"]),
        ("ben", ["language=fr"]),
    ]
    params = {"action": "reviewer.tagged"}
    log = body_of(await desk.operator.get(desk.path("activity"), params=params))["activity"]
    assert [(one["target"], one["detail"]["tags"]) for one in log] == [
        ("ben", ["language=fr"]),
        ("anna/b", ["language=de", "skill=tax law"]),
    ]
    # A link without tags leaves them as they are.
    body_of(await desk.operator.post(desk.path("links"), json={"subject": "ben"}))
    listed = body_of(await desk.operator.get(desk.path("reviewers")))["reviewers"]
    assert listed[1]["tags"] == ["language=fr"]


@pytest.mark.any_database
async def test_tags_that_cannot_be_are_refused(desk: Desk) -> None:
    await matching(desk)
    path = desk.path("reviewers/anna/tags")
    for tags in (["german"], ["language="], ["=de"], [f"k{n}=x" for n in range(13)]):
        problem_of(await desk.operator.put(path, json={"tags": tags}), 422, "unprocessable")
    for who in (desk.service, desk.reviewer("anna")):
        problem_of(await who.put(path, json={"tags": []}), 403, "forbidden")
    everywhere = {"subject": "anna", "tags": ["language=de"]}
    refused = problem_of(
        await desk.operator.post("/v1/links", json=everywhere), 422, "unprocessable"
    )
    assert refused["errors"][0]["pointer"] == "/tags"
    for match in (["color"], ["language", "language"], [*METADATA, "x"]):
        spec = PROJECT | {"metadata": METADATA, "review": {"match": match}}
        problem_of(await desk.operator.put(desk.path(), json=spec), 422, "unprocessable")
