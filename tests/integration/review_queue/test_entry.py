"""Entering the desk at the console, and what a session there may do."""

import asyncio
from pathlib import Path

import httpx
import pytest

from services.console.web.session import COOKIE, LINK_COOKIE
from services.review_queue.settings import ReviewQueueSettings
from shared.auth import Keys
from shared.settings import CommonSettings
from tests.harness import wait_until
from tests.harness.clock import Clock
from tests.harness.consoles import AWAY, Visitor, console_at, link, visiting
from tests.harness.desk import Desk, body_of, entry, open_desk, problem_of
from tests.harness.settings import common_settings

pytestmark = pytest.mark.any_database


@pytest.fixture(autouse=True)
async def project(desk: Desk) -> None:
    await desk.put_project()


def is_sent_to_sign_in(answer: httpx.Response) -> bool:
    return str(answer.headers.get("location", "")).startswith("/sign-in")


async def test_link_is_used_by_the_button_and_not_by_looking(desk: Desk) -> None:
    code = await link(desk, hours=30)
    async with visiting(desk) as anna:
        for _ in range(2):
            shown = await anna.http.get("/enter", params={"code": code})
            assert shown.status_code == 200
            assert "Welcome, <bdi>anna</bdi>" in shown.text
            assert "Shop reviews" in shown.text
            assert "30 hours" in shown.text
        entered = await anna.enter(code)
        assert (entered.status_code, entered.headers["location"]) == (303, "/")
        for cookie in entered.headers.get_list("set-cookie"):
            assert "HttpOnly" in cookie
            assert "SameSite=lax" in cookie
            assert "Secure" not in cookie
        assert {COOKIE, LINK_COOKIE} == set(anna.http.cookies)
        assert (await anna.http.get("/")).headers["location"] == "/review"
        assert (await anna.http.get("/review")).headers["location"] == desk.page()
        for used in (await anna.enter(code), await anna.http.get("/enter", params={"code": code})):
            assert used.status_code == 404
            assert "used before" in used.text


async def test_link_opens_once_whoever_races(desk: Desk) -> None:
    code = await link(desk)
    async with visiting(desk) as visitor:
        answers = await asyncio.gather(*(visitor.enter(code) for _ in range(8)))
        assert sorted(answer.status_code for answer in answers) == [303] + [404] * 7


async def test_holder_of_an_old_link_asks_for_a_new_one(desk: Desk) -> None:
    async with visiting(desk) as anna:
        assert "Ask an operator for a new" not in (await anna.http.get("/sign-in")).text
        refused = await anna.http.post("/link-request", headers=anna.origin)
        assert refused.status_code in {404, 422}
        await anna.enter(await link(desk, hours=1))
        # The browser forgets the cookie of a session at its end.
        anna.http.cookies.delete(COOKIE)
        assert "Ask an operator for a new" in (await anna.http.get("/sign-in")).text
        answer = await anna.http.post("/link-request", headers=anna.origin)
        assert answer.headers["location"] == "/sign-in?asked=true"
        assert "was asked" in (await anna.http.get("/sign-in?asked=true")).text
    asked = {"requested": "true"}
    (listed,) = body_of(await desk.operator.get(desk.path("links"), params=asked))["links"]
    assert listed["subject"] == "anna"


@pytest.mark.own_desk
async def test_session_ends_with_the_key_of_the_token_that_it_comes_from(desk: Desk) -> None:
    async with visiting(desk) as anna:
        await anna.enter(await link(desk))
        assert (await anna.http.get(desk.page())).status_code == 200
        (desk.keys.public_folder / f"{desk.keys.ensure()}.pem").unlink()

        async def ended() -> bool:
            return is_sent_to_sign_in(await anna.http.get(desk.page()))

        await wait_until(ended)
        problem = await anna.post(desk.page("tasks"), {})
        assert problem.status_code == 401
        assert problem.json()["status"] == 401


async def test_session_of_a_link_is_for_its_project_and_its_reviewer_alone(desk: Desk) -> None:
    await desk.put_project(desk.named("other"))
    await desk.post(entry("a"))
    async with visiting(desk) as anna:
        await anna.enter(await link(desk))
        assert (await anna.http.get(f"/review/{desk.named('other')}")).status_code == 403
        assert (await anna.http.get(desk.page("adjudicate"))).status_code == 403
        lease = await desk.lease_one("boris")
        answer = await anna.post(f"/leases/{lease['token']}/verdict", {"label": "positive"})
        problem_of(answer, 409, "lease-expired")


PAGES_OF_OPERATORS = ("", "/queue", "/people", "/versions", "/data", "/items", "/settings")


async def test_a_reviewer_reaches_the_reviewers_pages_alone(desk: Desk) -> None:
    async with visiting(desk) as anna:
        await anna.enter(await link(desk))
        for page in PAGES_OF_OPERATORS:
            refused = await anna.http.get(f"/projects/{desk.project}{page}")
            assert refused.status_code == 403, page
            assert "A page of operators" in refused.text
        assert (await anna.http.get("/projects/new")).status_code == 403
        form = {"act": "invite", "reviewer": "carla"}
        refused = await anna.submit(f"/projects/{desk.project}/people", **form)
        assert refused.status_code == 403
        assert "Adjudication" not in (await anna.http.get(desk.page())).text


async def test_operators_have_the_desk_too(desk: Desk) -> None:
    async with visiting(desk) as olga:
        assert (await olga.sign_in("nonsense")).status_code == 401
        assert (await olga.sign_in(desk.keys.issue("operator", "olga"))).status_code == 303
        assert "Adjudication" in (await olga.http.get(desk.page())).text
        assert (await olga.http.get(desk.page("adjudicate"))).status_code == 200


async def test_other_sites_can_send_nothing(desk: Desk) -> None:
    code = await link(desk)
    origins: list[dict[str, str]] = [{}, {"Origin": "null"}, {"Origin": "https://evil.example"}]
    async with visiting(desk) as anna:
        for origin in origins:
            for path in ("/enter", "/link-request"):
                refused = await anna.http.post(path, data={"code": code}, headers=origin)
                assert refused.status_code == 403, origin
        await anna.enter(code)
        await desk.post(entry("a"))
        lease = await desk.lease_one("anna")
        path, body = f"/leases/{lease['token']}/verdict", {"label": "positive"}
        for origin in origins:
            refused = await anna.http.post(path, json=body, headers=origin)
            assert refused.status_code == 403, origin
        assert (await desk.task(lease["task"]["task_id"]))["state"] == "leased"
        body_of(await anna.post(path, body))


async def test_no_task_before_the_instructions_are_read_or_when_they_change(desk: Desk) -> None:
    await desk.post(entry("a"), entry("b"))
    async with visiting(desk) as anna:
        await anna.enter(await link(desk))
        assert (await anna.post(desk.page("tasks"), {})).status_code == 409
        wrong = await anna.post(desk.page("instructions"), {"revision": 2})
        problem_of(wrong, 422, "unprocessable")
        assert (await anna.post(desk.page("instructions"), {"revision": 1})).status_code == 204
        assert "text of a" in (await anna.post(desk.page("tasks"), {})).text
        await desk.put_project(instructions="Read it twice.")
        assert (await anna.post(desk.page("tasks"), {})).status_code == 409
        for revision in (2, 1):
            await anna.post(desk.page("instructions"), {"revision": revision})
        assert "text of b" in (await anna.post(desk.page("tasks"), {})).text


@pytest.mark.thorough
async def test_a_browser_that_leaves_while_it_waits_gets_no_task(desk: Desk) -> None:
    await desk.put_project(instructions="")
    async with visiting(desk) as anna:
        await anna.enter(await link(desk))
        with pytest.raises(httpx.ReadTimeout):
            await anna.http.post(
                desk.page("tasks"), json={"wait_seconds": 20}, headers=anna.origin, timeout=0.5
            )
        # Another of hers waits longer than both services take to notice.
        other = await anna.post(desk.page("tasks"), {"wait_seconds": 3})
        assert 'class="task"' not in other.text
        (receipt,) = await desk.post(entry("a"))
        assert (await desk.lease("boris", wait_seconds=5))[0]["task"]["item_id"] == "a"
        assert (await desk.task(receipt["task_id"]))["holder"] == "boris"


async def test_adjudication_opens_what_was_resolved_and_refuses_what_moved_on(desk: Desk) -> None:
    await desk.post(entry("open"), entry("resolved"))
    for name, item in (("anna", "open"), ("anna", "resolved"), ("boris", "resolved")):
        held = {lease["task"]["item_id"]: lease["token"] for lease in await desk.lease(name, 2)}
        await desk.use(name, held.pop(item), "skip", {"reason": f"{name} cannot tell"})
        for token in held.values():
            await desk.use(name, token, "release")
    async with visiting(desk) as olga:
        await olga.sign_in(desk.keys.issue("operator", "olga"))
        assert "cannot tell" in (await olga.http.get(desk.page("adjudicate"))).text
        for row in body_of(await desk.operator.get(desk.path("tasks")))["tasks"]:
            path = desk.page(f"adjudicate/{row['task_id']}")
            revision = str((await desk.task(row["task_id"]))["revision"])
            for label in ("neither", ""):
                refused = await olga.submit(path, label=label, revision=revision)
                assert refused.status_code == 422
                # A resolved one is open from then on: no answer is lost.
                revision = str((await desk.task(row["task_id"]))["revision"])
            for status in (303, 409):
                answer = await olga.submit(path, label="positive", revision=revision)
                assert answer.status_code == status
            settled = await desk.task(row["task_id"])
            assert (settled["state"], settled["label"]) == ("resolved", "positive")
            assert settled["timeline"][-2]["actor"] == "olga"
        nothing = await olga.http.get(desk.page("adjudicate"))
        assert "There is nothing to adjudicate" in nothing.text
        missing = await olga.submit(desk.page("adjudicate/nonsense"), label="x", revision="0")
        assert missing.status_code == 404
        wrong = await olga.http.get(desk.page("adjudicate"), params={"after": "?"})
        assert wrong.status_code == 422


async def test_settings_decide_on_cookies_origins_and_images(desk: Desk) -> None:
    settings = {"public_url": "https://surehand.example", "image_origins": "https://images.example"}
    async with visiting(desk, **settings) as anna:
        code = await link(desk)
        assert (await anna.enter(code)).status_code == 403
        anna.origin = {"Origin": "https://surehand.example"}
        entered = await anna.enter(code)
        assert "Secure" in entered.headers["set-cookie"]
        token = desk.keys.issue("reviewer", "anna")
        shown = await anna.http.get(desk.page(), headers={"Cookie": f"{COOKIE}={token}"})
        policy = shown.headers["content-security-policy"]
        assert "img-src 'self' data: https://images.example;" in policy
        assert "default-src 'none'; script-src 'self'; style-src 'self'" in policy


FORGED = ["evil.example", "127.0.0.1.evil.example", "localhost.evil.example:80", "console:8003"]


async def test_another_host_does_not_pass_for_this_site(desk: Desk) -> None:
    code = await link(desk)
    forged = [{"Host": host, "Origin": f"http://{host}"} for host in FORGED]
    async with visiting(desk) as anna:
        for headers in forged:
            refused = await anna.http.post("/enter", data={"code": code}, headers=headers)
            assert refused.status_code == 403, headers
            assert "SUREHAND_CONSOLE_PUBLIC_URL" in refused.text
        assert (await anna.enter(code)).status_code == 303
        for headers in forged:
            refused = await anna.http.post(desk.page("tasks"), json={}, headers=headers)
            assert refused.status_code == 403, headers
            assert "SUREHAND_CONSOLE_PUBLIC_URL" in refused.json()["detail"]


async def test_the_desk_says_so_while_the_review_queue_is_away(desk: Desk, tmp_path: Path) -> None:
    common = common_settings(tmp_path, desk.keys, "")
    async with console_at(AWAY, common) as url:
        anna = Visitor(url)
        anna.http.cookies.set(COOKIE, desk.keys.issue("reviewer", "anna"))
        shown = await anna.http.get(desk.page())
        assert shown.status_code == 503
        assert "The review queue is away" in shown.text
        refused = await anna.post(desk.page("tasks"), {})
        assert (refused.status_code, refused.json()["status"]) == (503, 503)
        await anna.http.aclose()


@pytest.mark.own_desk
async def test_old_addresses_lead_to_the_console(
    common: CommonSettings, settings: ReviewQueueSettings, keys: Keys, clock: Clock
) -> None:
    known = settings.model_copy(update={"console_url": "https://surehand.example"})
    async with open_desk(common, known, keys, clock) as desk:
        await desk.put_project()
        made = body_of(await desk.operator.post(desk.path("links"), json={"subject": "anna"}))
        assert made["url"] == f"https://surehand.example/enter?code={made['code']}"
        for old, new in {
            "/ui": "/",
            "/ui/": "/",
            "/ui/enter?code=x%26y": "/enter?code=x%26y",
            "/ui/p/shop": "/review/shop",
            "/ui/p/shop/me?since=now": "/review/shop/me?since=now",
            "/ui//evil.example/": "/",
        }.items():
            answer = await desk.reviewer("anna").get(old)
            assert answer.status_code == 307
            assert answer.headers["location"] == f"https://surehand.example{new}"


async def test_an_old_address_without_a_known_console_says_where_to_ask(desk: Desk) -> None:
    made = body_of(await desk.operator.post(desk.path("links"), json={"subject": "anna"}))
    assert made["url"] == f"/enter?code={made['code']}"
    problem = problem_of(await desk.reviewer("anna").get("/ui/p/shop"), 404, "not-found")
    assert "console" in problem["detail"]
