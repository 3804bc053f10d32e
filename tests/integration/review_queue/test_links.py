"""Links that give tokens: once, renewable, revocable, and to their projects alone."""

import asyncio
from datetime import datetime
from pathlib import Path
from typing import Any

import httpx
import jwt
import pytest

from services.review_queue.settings import ReviewQueueSettings
from shared.auth import Keys
from shared.http.body import OPEN_LIMIT_BYTES
from shared.http.lists import encode_cursor
from shared.settings import CommonSettings
from tests.harness import client, wait_until
from tests.harness.clock import Clock
from tests.harness.consoles import visiting
from tests.harness.desk import Desk, Json, body_of, entry, open_desk, problem_of

pytestmark = pytest.mark.any_database

IS_JSON = {"Content-Type": "application/json"}


@pytest.fixture(autouse=True)
async def project(desk: Desk) -> None:
    await desk.put_project()


async def made(desk: Desk, subject: str = "anna", **more: Any) -> Json:
    body = {"subject": subject, **more}
    return body_of(await desk.operator.post(desk.path("links"), json=body))


async def visit(desk: Desk, path: str, code: str) -> httpx.Response:
    """Call a route that wants no token."""
    async with client(desk.base_url) as anybody:
        return await anybody.post(f"/v1/links/{path}", json={"code": code})


async def redeemed(desk: Desk, **more: Any) -> Json:
    return body_of(await visit(desk, "redeem", (await made(desk, **more))["code"]))


def caller(desk: Desk, token: str) -> httpx.AsyncClient:
    return client(desk.base_url, token)


async def test_a_link_gives_one_token_for_its_person_role_and_project(desk: Desk) -> None:
    link = await made(desk, hours=2)
    given = body_of(await visit(desk, "redeem", link["code"]))
    assert (given["subject"], given["role"], given["projects"]) == (
        "anna",
        "reviewer",
        [desk.project],
    )
    claims = jwt.decode(given["token"], options={"verify_signature": False})
    assert claims["exp"] - claims["iat"] == 2 * 3600
    assert datetime.fromisoformat(given["expires_at"]).timestamp() == claims["exp"]
    problem_of(await visit(desk, "redeem", link["code"]), 404, "not-found")
    await desk.post(entry("a"))
    await desk.put_project(desk.named("other"))
    async with caller(desk, given["token"]) as anna:
        (lease,) = body_of(await anna.post(desk.path("leases"), json={}))["leases"]
        assert lease["task"]["item_id"] == "a"
        other = desk.path("leases", desk.named("other"))
        problem_of(await anna.post(other, json={}), 403, "forbidden")
        problem_of(await anna.get(desk.path("tasks")), 403, "forbidden")


async def test_looking_at_a_link_says_whom_it_is_for_and_leaves_it_unused(desk: Desk) -> None:
    link = await made(desk, hours=2)
    for _ in range(2):
        shown = body_of(await visit(desk, "inspect", link["code"]))
    assert shown == {
        "subject": "anna",
        "role": "reviewer",
        "projects": [desk.project],
        "title": "Shop reviews",
        "hours": 2,
        "expires_at": link["expires_at"],
    }
    body_of(await visit(desk, "redeem", link["code"]))
    problem_of(await visit(desk, "inspect", link["code"]), 404, "not-found")


@pytest.mark.sql
async def test_of_many_who_redeem_a_link_at_once_one_gets_a_token(desk: Desk) -> None:
    code = (await made(desk))["code"]
    answers = await asyncio.gather(*(visit(desk, "redeem", code) for _ in range(8)))
    assert sorted(answer.status_code for answer in answers) == [200] + [404] * 7


async def test_a_link_to_several_projects_or_all_needs_a_token_for_them(desk: Desk) -> None:
    other = desk.named("other")
    await desk.put_project(other)
    body = {"subject": "olga", "role": "operator", "projects": [desk.project, other]}
    narrow = desk.of("operator", "narrow", desk.project)
    problem_of(await narrow.post("/v1/links", json=body), 403, "forbidden")
    problem_of(await narrow.post("/v1/links", json={"subject": "olga"}), 403, "forbidden")
    link = body_of(await desk.operator.post("/v1/links", json=body))
    given = body_of(await visit(desk, "redeem", link["code"]))
    assert given["projects"] == sorted([desk.project, other])
    async with caller(desk, given["token"]) as olga:
        for project in (desk.project, other):
            body_of(await olga.get(desk.path("tasks", project)))
        problem_of(await olga.post("/v1/links", json={"subject": "x"}), 403, "forbidden")
    link = body_of(await desk.operator.post("/v1/links", json={"subject": "boris"}))
    assert body_of(await visit(desk, "redeem", link["code"]))["projects"] is None
    wrong = {"subject": "olga", "projects": ["nowhere"]}
    problem_of(await desk.operator.post("/v1/links", json=wrong), 404, "not-found")


async def test_a_token_is_renewed_for_ninety_days(desk: Desk) -> None:
    first = await redeemed(desk, hours=720)
    async with caller(desk, first["token"]) as anna:
        second = body_of(await anna.post("/v1/links/renew"))
        assert second["token"] != first["token"]
        desk.clock.advance(days=89)
        last = body_of(await anna.post("/v1/links/renew"))
        claims = jwt.decode(last["token"], options={"verify_signature": False})
        assert claims["exp"] - claims["iat"] == 24 * 3600
        desk.clock.advance(days=1)
        problem_of(await anna.post("/v1/links/renew"), 409, "conflict")
    problem_of(await desk.reviewer("r1").post("/v1/links/renew"), 409, "conflict")


async def test_revoking_ends_tokens_unused_links_and_sessions_of_a_person(desk: Desk) -> None:
    given, unused = await redeemed(desk), (await made(desk))["code"]
    kept = await redeemed(desk, subject="boris")
    async with caller(desk, given["token"]) as anna, visiting(desk) as page:
        await page.enter((await made(desk))["code"])
        assert (await page.http.get(desk.page())).status_code == 200
        body_of(await anna.get(desk.path()))
        path, body = desk.path("links/revoke"), {"subject": "anna"}
        assert body_of(await desk.operator.post(path, json=body)) == {"revoked": 3}
        assert body_of(await desk.operator.post(path, json=body)) == {"revoked": 0}
        refused = problem_of(await anna.get(desk.path()), 401, "unauthorized")
        assert "revoked" in refused["detail"]
        problem_of(await anna.post("/v1/links/renew"), 401, "unauthorized")
        ended = await page.http.get(desk.page())
        assert ended.headers["location"] == f"/sign-in?next={desk.page()}"
    problem_of(await visit(desk, "redeem", unused), 404, "not-found")
    async with caller(desk, kept["token"]) as boris:
        body_of(await boris.get(desk.path()))
    async with caller(desk, (await redeemed(desk))["token"]) as again:
        body_of(await again.get(desk.path()))


@pytest.mark.own_desk
async def test_another_replica_refuses_a_revoked_token(
    common: CommonSettings, settings: ReviewQueueSettings, keys: Keys, clock: Clock, desk: Desk
) -> None:
    given = await redeemed(desk)
    async with (
        open_desk(common, settings, keys, clock) as replica,
        caller(replica, given["token"]) as anna,
    ):
        body_of(await anna.get(desk.path()))
        await desk.operator.post(desk.path("links/revoke"), json={"subject": "anna"})

        async def refused() -> bool:
            return (await anna.get(desk.path())).status_code == 401

        await wait_until(refused)


async def test_the_holder_of_an_old_link_asks_for_a_new_one(desk: Desk) -> None:
    link = await made(desk)
    await visit(desk, "redeem", link["code"])
    asked = await visit(desk, "request", link["code"])
    assert asked.status_code == 202
    (listed,) = await links_of(desk, requested=True)
    assert listed["requested_at"] == asked.json()["requested_at"]
    assert (listed["subject"], listed["state"]) == ("anna", "used")
    await made(desk, "boris")
    assert len(await links_of(desk, requested=True)) == 1
    await made(desk)
    assert await links_of(desk, requested=True) == []
    problem_of(await visit(desk, "request", "x" * 43), 404, "not-found")


async def links_of(desk: Desk, **query: Any) -> list[Json]:
    return list(body_of(await desk.operator.get(desk.path("links"), params=query))["links"])


async def test_links_are_listed_newest_first_without_their_codes(desk: Desk) -> None:
    codes = []
    for subject in ("anna", "boris", "carla"):
        desk.clock.advance(1)
        codes.append((await made(desk, subject, expires_seconds=60))["code"])
    await visit(desk, "redeem", codes[0])
    await desk.operator.post(desk.path("links/revoke"), json={"subject": "boris"})
    desk.clock.advance(60)
    listed = await links_of(desk)
    assert [(one["subject"], one["state"]) for one in listed] == [
        ("carla", "expired"),
        ("boris", "revoked"),
        ("anna", "used"),
    ]
    assert not any(code in str(listed) for code in codes)
    first = body_of(await desk.operator.get(desk.path("links"), params={"limit": 2}))
    assert first["links"] == listed[:2]
    rest = await links_of(desk, limit=2, after=first["cursor"])
    assert rest == listed[2:]


@pytest.mark.parametrize(
    "position",
    [
        f"2026-11-28T08:00:00 {64 * '0'}",
        f"0001-01-01T00:00:00+14:00 {64 * '0'}",
        "2026-11-28T08:00:00+00:00 \0",
    ],
)
async def test_forged_cursor_of_links_is_refused(desk: Desk, position: str) -> None:
    forged = {"after": encode_cursor(position)}
    answer = await desk.operator.get(desk.path("links"), params=forged)
    problem_of(answer, 422, "unprocessable")


async def test_wrong_codes_are_few_a_minute(desk: Desk) -> None:
    for wrong in ("x", "x" * 43, "é" * 43):
        problem_of(await visit(desk, "redeem", wrong), 404, "not-found")
    async with client(desk.base_url) as anybody:
        for _ in range(97):
            await anybody.post("/v1/links/redeem", json={"code": "x" * 43})
    refused = await visit(desk, "redeem", "x" * 43)
    problem_of(refused, 429, "too-many-requests")
    assert int(refused.headers["retry-after"]) == 60
    desk.clock.advance(60)
    body_of(await visit(desk, "redeem", (await made(desk))["code"]))


async def test_a_body_without_a_token_is_small(desk: Desk) -> None:
    problem_of(await visit(desk, "redeem", "x" * OPEN_LIMIT_BYTES), 413, "body-too-large")
    problem_of(await visit(desk, "redeem", "x" * 201), 422, "unprocessable")
    async with client(desk.base_url) as anybody:
        answer = await anybody.post("/v1/links/redeem", content=b"{", headers=IS_JSON)
    problem_of(answer, 400, "not-json")


@pytest.mark.own_desk
async def test_without_a_private_key_a_link_stays_unused(
    common: CommonSettings,
    settings: ReviewQueueSettings,
    keys: Keys,
    clock: Clock,
    tmp_path: Path,
) -> None:
    without = settings.model_copy(update={"signing_keys_dir": tmp_path})
    async with open_desk(common, without, keys, clock) as desk:
        await desk.put_project()
        code = (await made(desk))["code"]
        refused = problem_of(await visit(desk, "redeem", code), 503, "unavailable")
        assert "SIGNING_KEYS_DIR" in refused["detail"]
        body_of(await visit(desk, "inspect", code))
    assert Keys(tmp_path).kids() == []


@pytest.mark.thorough
@pytest.mark.own_desk
async def test_a_token_of_a_link_ends_with_the_key_of_the_operator_who_made_the_link(
    common: CommonSettings, settings: ReviewQueueSettings, keys: Keys, clock: Clock, tmp_path: Path
) -> None:
    signing = Keys(tmp_path / "signing")
    kid = signing.ensure()
    public = (signing.public_folder / f"{kid}.pem").read_bytes()
    (keys.public_folder / f"{kid}.pem").write_bytes(public)
    apart = settings.model_copy(update={"signing_keys_dir": signing.folder})
    async with open_desk(common, apart, keys, clock) as desk:
        await desk.put_project()
        given = await redeemed(desk)
        assert jwt.get_unverified_header(given["token"])["kid"] == kid
        async with caller(desk, given["token"]) as anna:
            body_of(await anna.get(desk.path()))
            (keys.public_folder / f"{keys.ensure()}.pem").unlink()

            async def refused() -> bool:
                return (await anna.get(desk.path())).status_code == 401

            await wait_until(refused)


async def test_a_link_whose_token_no_cookie_would_hold_is_refused(desk: Desk) -> None:
    names = [f"{'long-name-of-a-project-' * 2}{number}" for number in range(60)]
    body = {"subject": "anna", "projects": names}
    told = problem_of(await desk.operator.post("/v1/links", json=body), 422, "unprocessable")
    assert told["errors"][0]["pointer"] == "/projects"
    assert "cookie" in told["errors"][0]["detail"]
