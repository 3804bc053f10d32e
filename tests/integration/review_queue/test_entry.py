import asyncio
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from services.review_queue.settings import ReviewQueueSettings
from shared.auth import Keys
from shared.settings import CommonSettings
from tests.harness import client, wait_until
from tests.harness.clock import Clock
from tests.harness.desk import Desk, Json, body_of, entry, open_desk, problem_of


@pytest.fixture(autouse=True)
async def project(desk: Desk) -> None:
    await desk.put_project()


class Visitor:
    """A browser, as far as cookies and the header `Origin` go."""

    def __init__(self, base_url: str) -> None:
        self.http = client(base_url)
        self.origin = {"Origin": base_url}

    async def __aenter__(self) -> "Visitor":
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.http.aclose()

    async def enter(self, code: str) -> httpx.Response:
        return await self.http.post("/ui/enter", data={"code": code}, headers=self.origin)

    async def sign_in(self, token: str) -> httpx.Response:
        return await self.http.post("/ui/", data={"token": token}, headers=self.origin)

    async def post(self, path: str, payload: Json | None = None) -> httpx.Response:
        return await self.http.post(path, json=payload, headers=self.origin)


async def link(desk: Desk, reviewer: str = "anna", **changes: float) -> str:
    body = {"subject": reviewer, **changes}
    answer = body_of(await desk.operator.post(desk.path("links"), json=body))
    assert answer["url"].startswith(desk.base_url)
    return str(answer["url"])


def code_of(url: str) -> str:
    return parse_qs(urlsplit(url).query)["code"][0]


async def test_link_is_used_by_the_button_and_not_by_looking(desk: Desk) -> None:
    url = await link(desk)
    async with Visitor(desk.base_url) as anna:
        for _ in range(2):
            shown = await anna.http.get(url)
            assert shown.status_code == 200
            assert "anna" in shown.text
        entered = await anna.enter(code_of(url))
        assert (entered.status_code, entered.headers["location"]) == (303, "/ui/")
        cookie = entered.headers["set-cookie"]
        assert "HttpOnly" in cookie
        assert "SameSite=strict" in cookie
        assert "Secure" not in cookie
        home = await anna.http.get("/ui/")
        assert home.headers["location"] == desk.page()


async def test_link_opens_once_whoever_races(desk: Desk) -> None:
    code = code_of(await link(desk))
    async with Visitor(desk.base_url) as visitor:
        answers = await asyncio.gather(*(visitor.enter(code) for _ in range(8)))
        assert sorted(answer.status_code for answer in answers) == [303] + [404] * 7
        assert (await visitor.http.get("/ui/enter", params={"code": code})).status_code == 404


async def test_link_and_session_expire(desk: Desk) -> None:
    late, early = await link(desk, expires_seconds=60), await link(desk, hours=30)
    async with Visitor(desk.base_url) as anna:
        entered = await anna.enter(code_of(early))
        # The browser keeps the session also over night.
        assert f"Max-Age={30 * 3600}" in entered.headers["set-cookie"]
        desk.clock.advance(60)
        assert (await anna.http.get(late)).status_code == 404
        assert (await anna.enter(code_of(late))).status_code == 404
        assert (await anna.http.get(desk.page())).status_code == 200
        desk.clock.advance(30 * 3600 - 61)
        assert (await anna.http.get(desk.page())).status_code == 200
        desk.clock.advance(1)
        assert (await anna.http.get(desk.page())).headers["location"] == "/ui/"
        problem_of(await anna.post(desk.page("tasks"), {}), 401, "unauthorized")


async def test_holder_of_an_old_link_asks_for_a_new_one(desk: Desk) -> None:
    async with Visitor(desk.base_url) as stranger:
        assert "Ask an operator" not in (await stranger.http.get("/ui/")).text
        answer = await stranger.http.post("/ui/request", headers=stranger.origin)
        assert answer.status_code == 404
    async with Visitor(desk.base_url) as anna:
        await anna.enter(code_of(await link(desk, hours=1)))
        desk.clock.advance(3600)
        assert "Ask an operator" in (await anna.http.get("/ui/")).text
        answer = await anna.http.post("/ui/request", headers=anna.origin)
        assert answer.headers["location"] == "/ui/?asked=true"
        assert "was asked" in (await anna.http.get("/ui/?asked=true")).text
    asked = {"requested": "true"}
    (listed,) = body_of(await desk.operator.get(desk.path("links"), params=asked))["links"]
    assert listed["subject"] == "anna"


@pytest.mark.own_desk
async def test_session_ends_with_the_key_of_the_token_that_it_comes_from(desk: Desk) -> None:
    async with Visitor(desk.base_url) as anna, Visitor(desk.base_url) as boris:
        await anna.enter(code_of(await link(desk)))
        await boris.sign_in(desk.keys.issue("operator", "boris"))
        unused = code_of(await link(desk))
        for one in (anna, boris):
            assert (await one.http.get(desk.page())).status_code == 200
        (desk.keys.public_folder / f"{desk.keys.ensure()}.pem").unlink()

        async def ended() -> bool:
            answers = [await one.http.get(desk.page()) for one in (anna, boris)]
            return all(answer.headers.get("location") == "/ui/" for answer in answers)

        await wait_until(ended)
        problem_of(await boris.post(desk.page("tasks"), {}), 401, "unauthorized")
        problem_of(await desk.operator.get(desk.path()), 401, "unauthorized")
        await anna.enter(unused)
        assert (await anna.http.get(desk.page())).headers["location"] == "/ui/"


async def test_only_operators_make_links_and_only_for_projects(desk: Desk) -> None:
    body = {"subject": "anna"}
    refused = await desk.reviewer("anna").post(desk.path("links"), json=body)
    problem_of(refused, 403, "forbidden")
    problem_of(await desk.operator.post("/v1/projects/none/links", json=body), 404, "not-found")
    for wrong in ({}, {"subject": ""}, {**body, "expires_seconds": 0}, {**body, "role": "r"}):
        answer = await desk.operator.post(desk.path("links"), json=wrong)
        problem_of(answer, 422, "unprocessable")


async def test_session_of_a_link_is_for_its_project_and_its_reviewer_alone(desk: Desk) -> None:
    await desk.put_project(desk.named("other"))
    await desk.post(entry("a"))
    async with Visitor(desk.base_url) as anna:
        await anna.enter(code_of(await link(desk)))
        assert (await anna.http.get(f"/ui/p/{desk.named('other')}")).status_code == 403
        assert (await anna.http.get(desk.page("adjudicate"))).status_code == 403
        lease = await desk.lease_one("boris")
        answer = await anna.post(f"/ui/leases/{lease['token']}/verdict", {"label": "positive"})
        problem_of(answer, 409, "lease-expired")


async def test_tokens_of_people_enter_and_those_of_machines_do_not(desk: Desk) -> None:
    async with Visitor(desk.base_url) as visitor:
        for role in ("service", "caller"):
            assert (await visitor.sign_in(desk.keys.issue(role, "robot"))).status_code == 403
        assert (await visitor.sign_in("nonsense")).status_code == 401
        assert (await visitor.sign_in(desk.keys.issue("operator", "olga"))).status_code == 303
        assert (await visitor.http.get(desk.page("adjudicate"))).status_code == 200


async def test_leaving_ends_the_session_itself(desk: Desk) -> None:
    async with Visitor(desk.base_url) as anna:
        await anna.enter(code_of(await link(desk)))
        kept = dict(anna.http.cookies)
        await anna.post("/ui/leave")
        anna.http.cookies.update(kept)
        again = await anna.http.get(desk.page())
        assert again.headers["location"] == "/ui/"


@pytest.mark.parametrize("origin", [{}, {"Origin": "null"}, {"Origin": "https://evil.example"}])
async def test_other_sites_can_send_nothing(desk: Desk, origin: dict[str, str]) -> None:
    code = code_of(await link(desk))
    async with Visitor(desk.base_url) as anna:
        refused = await anna.http.post("/ui/enter", data={"code": code}, headers=origin)
        assert refused.status_code == 403
        await anna.enter(code)
        await desk.post(entry("a"))
        lease = await desk.lease_one("anna")
        path, body = f"/ui/leases/{lease['token']}/verdict", {"label": "positive"}
        problem_of(await anna.http.post(path, json=body, headers=origin), 403, "forbidden")
        assert (await desk.task(lease["task"]["task_id"]))["state"] == "leased"
        body_of(await anna.post(path, body))


async def test_no_task_before_the_instructions_are_read_or_when_they_change(desk: Desk) -> None:
    await desk.post(entry("a"), entry("b"))
    async with Visitor(desk.base_url) as anna:
        await anna.enter(code_of(await link(desk)))
        problem_of(await anna.post(desk.page("tasks"), {}), 409, "conflict")
        problem_of(
            await anna.post(desk.page("acknowledge"), {"revision": 2}),
            422,
            "unprocessable",
        )
        assert (await anna.post(desk.page("acknowledge"), {"revision": 1})).status_code == 204
        assert "text of a" in (await anna.post(desk.page("tasks"), {})).text
        await desk.put_project(instructions="Read it twice.")
        problem_of(await anna.post(desk.page("tasks"), {}), 409, "conflict")
        for revision in (2, 1):
            await anna.post(desk.page("acknowledge"), {"revision": revision})
        assert "text of b" in (await anna.post(desk.page("tasks"), {})).text


@pytest.mark.own_desk
async def test_public_address_decides_on_links_cookies_and_origins(
    common: CommonSettings, settings: ReviewQueueSettings, keys: Keys, clock: Clock
) -> None:
    public = settings.model_copy(
        update={"public_url": "https://review.example", "image_origins": "https://images.example"}
    )
    async with open_desk(common, public, keys, clock) as desk, Visitor(desk.base_url) as anna:
        body = {"subject": "anna"}
        made = body_of(await desk.operator.post(desk.path("links"), json=body))
        assert made["url"].startswith("https://review.example/ui/enter?code=")
        assert (await anna.enter(code_of(made["url"]))).status_code == 403
        anna.origin = {"Origin": "https://review.example"}
        entered = await anna.enter(code_of(made["url"]))
        assert "Secure" in entered.headers["set-cookie"]
        policy = entered.headers["content-security-policy"]
        assert "img-src 'self' data: https://images.example;" in policy
        assert "default-src 'none'; script-src 'self'; style-src 'self'" in policy


FORGED = [
    "evil.example",
    "127.0.0.1.evil.example",
    "localhost.evil.example:80",
    "review_queue:8001",
]


@pytest.mark.parametrize("host", FORGED)
async def test_another_host_neither_makes_links_nor_passes_for_this_site(
    desk: Desk, host: str
) -> None:
    body, forged = {"subject": "anna"}, {"Host": host}
    made = await desk.operator.post(desk.path("links"), json=body, headers=forged)
    url = body_of(made)["url"]
    assert url.startswith("/ui/enter?code=")
    async with Visitor(desk.base_url) as anna:
        headers = {**forged, "Origin": f"http://{host}"}
        refused = await anna.http.post("/ui/enter", data={"code": code_of(url)}, headers=headers)
        assert refused.status_code == 403
        assert "SUREHAND_REVIEW_QUEUE_PUBLIC_URL" in refused.text
        assert (await anna.enter(code_of(url))).status_code == 303
        refused = await anna.http.post(desk.page("tasks"), json={}, headers=headers)
        problem_of(refused, 403, "forbidden")


@pytest.mark.own_desk
async def test_with_a_public_address_the_host_does_not_matter(
    common: CommonSettings, settings: ReviewQueueSettings, keys: Keys, clock: Clock
) -> None:
    public = settings.model_copy(update={"public_url": "https://review.example"})
    async with open_desk(common, public, keys, clock) as desk, Visitor(desk.base_url) as anna:
        body, forged = {"subject": "anna"}, {"Host": "evil.example"}
        made = await desk.operator.post(desk.path("links"), json=body, headers=forged)
        url = body_of(made)["url"]
        assert url.startswith("https://review.example/ui/enter?code=")
        for origin, status in (("https://evil.example", 403), ("https://review.example", 303)):
            headers = {**forged, "Origin": origin}
            answer = await anna.http.post("/ui/enter", data={"code": code_of(url)}, headers=headers)
            assert answer.status_code == status


async def test_a_form_is_bounded_before_it_is_parsed(desk: Desk) -> None:
    async with Visitor(desk.base_url) as visitor:
        for form, status in ((b"a=&" * 100, 422), (b"token=" + b"x" * 300_000, 413)):
            answer = await visitor.http.post("/ui/", content=form, headers=visitor.origin)
            assert answer.status_code == status
            assert len(answer.content) < 10_000


async def test_assets_are_there_and_are_not_sniffed(desk: Desk) -> None:
    async with Visitor(desk.base_url) as visitor:
        for name, kind in (("review.js", "javascript"), ("surehand.css", "css")):
            asset = await visitor.http.get(f"/ui/static/{name}")
            assert kind in asset.headers["content-type"]
            assert asset.headers["x-content-type-options"] == "nosniff"
        problem_of(await visitor.http.get("/ui/static/../app.py"), 404, "not-found")
        problem_of(await visitor.http.get("/ui/static/none.js"), 404, "not-found")
