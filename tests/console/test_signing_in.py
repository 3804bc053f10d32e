"""Signing in and out, and a form that outlives its session."""

import time
from contextlib import suppress
from types import SimpleNamespace

import pytest
from playwright.async_api import Browser, expect

from services.console.web import session
from services.console.web.session import COOKIE
from services.review_queue.links.service import LinkService
from shared.problems import NotFound, TooManyRequests
from tests.console.conftest import SignedIn
from tests.console.installation import Installed, console_of
from tests.harness import client, wait_until
from tests.harness.browser import watched

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_a_person_without_a_session_comes_back_to_the_page_that_was_asked_for(
    installed: Installed, signed_in: SignedIn
) -> None:
    async with signed_in() as (page, one):
        await one.context.clear_cookies()
        await page.goto("/projects/toys")
        await expect(page).to_have_url(f"{installed.url}/sign-in?next=/projects/toys")
        await page.get_by_label("Token").fill(installed.operator)
        await page.get_by_role("button", name="Sign in").click()
        await expect(page).to_have_url(f"{installed.url}/projects/toys")


@pytest.mark.parametrize("role", ["caller", "service"])
async def test_a_token_of_machines_is_refused_in_words(installed: Installed, role: str) -> None:
    async with client(installed.url) as browser:
        answer = await browser.post(
            "/sign-in",
            data={"token": installed.keys.issue(role, "app")},  # type: ignore[arg-type]
            headers={"Origin": installed.url},
        )
    assert answer.status_code == 401
    assert "for operators and reviewers" in answer.text
    assert COOKIE not in answer.headers.get("set-cookie", "")


async def test_a_token_that_the_services_refuse_opens_nothing(installed: Installed) -> None:
    other = installed.operator[:-6] + "AAAAAA"
    async with client(installed.url) as browser:
        answer = await browser.post(
            "/sign-in", data={"token": other}, headers={"Origin": installed.url}
        )
    assert answer.status_code == 401
    assert COOKIE not in answer.headers.get("set-cookie", "")


async def test_the_cookie_lasts_as_long_as_the_token_and_no_script_reads_it(
    installed: Installed, browser: Browser
) -> None:
    async with watched(browser, installed.url) as one:
        page = await one.context.new_page()
        await page.goto("/sign-in")
        await page.get_by_label("Token").fill(installed.operator)
        await page.get_by_role("button", name="Sign in").click()
        await expect(page.get_by_role("button", name="Sign out")).to_be_visible()
        (cookie,) = await one.context.cookies()
        assert (cookie["httpOnly"], cookie["sameSite"]) == (True, "Lax")
        await page.get_by_role("button", name="Sign out").click()
        await expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
        assert await one.context.cookies() == []


@pytest.mark.parametrize("is_refreshed", [pytest.param(False, marks=pytest.mark.thorough), True])
async def test_a_form_posted_after_the_session_ended_is_kept_until_the_next(
    installed: Installed, signed_in: SignedIn, is_refreshed: bool
) -> None:
    async with signed_in() as (page, one):
        one.expected = "the server responded with a status of 4"
        await page.goto("/projects/toys")
        await page.get_by_text("Suspend, resume, certify").click()
        await page.get_by_label("Reason for the suspension").fill("the <b>winter</b> texts")
        await one.context.clear_cookies()
        if is_refreshed:
            await expect(page.get_by_text("Your session has ended")).to_be_visible()
        await page.get_by_role("button", name="Lift the suspension").click()
        await expect(page.get_by_text("What you typed is kept")).to_be_visible()
        await page.get_by_label("Token").fill(installed.operator)
        await page.get_by_role("button", name="Sign in").click()
        await expect(page.get_by_label("cause")).to_have_value("the <b>winter</b> texts")
        await page.get_by_role("button", name="Send it now").click()
        await expect(page.get_by_role("heading", name="The promise")).to_be_attached()


async def test_a_form_of_another_site_is_refused(installed: Installed) -> None:
    headers = {"Origin": "https://elsewhere.example", "Cookie": f"{COOKIE}={installed.operator}"}
    async with client(installed.url) as browser:
        answer = await browser.post(
            "/projects/toys/promise", data={"act": "suspend", "cause": "x"}, headers=headers
        )
    assert answer.status_code == 403
    promise = await installed.both.get("promise")
    assert promise["state"] != "suspended"


async def test_a_form_without_the_sessions_mark_changes_nothing(installed: Installed) -> None:
    headers = {"Origin": installed.url, "Cookie": f"{COOKIE}={installed.operator}"}
    async with client(installed.url) as browser:
        answer = await browser.post(
            "/projects/toys/promise", data={"act": "suspend", "cause": "x"}, headers=headers
        )
    assert answer.status_code == 409
    assert "Send it now" in answer.text
    promise = await installed.both.get("promise")
    assert promise["state"] != "suspended"


@pytest.mark.parametrize("target", ["//evil.example/", "https://evil.example", "/\\evil.example"])
async def test_the_next_page_is_always_one_of_this_site(installed: Installed, target: str) -> None:
    async with client(installed.url) as browser:
        answer = await browser.post(
            "/sign-in",
            data={"token": installed.operator, "next": target},
            headers={"Origin": installed.url},
        )
    assert (answer.status_code, answer.headers["location"]) == (303, "/")


async def test_a_one_time_link_signs_in_once(installed: Installed, browser: Browser) -> None:
    body = {"subject": "otto", "role": "operator", "hours": 1}
    made = await installed.both.queue.post("/v1/links", json=body)
    code = made.json()["code"]
    async with watched(browser, installed.url) as one:
        one.expected = "the server responded with a status of 404"
        page = await one.context.new_page()
        await page.goto(f"/enter?code={code}")
        await page.get_by_role("button", name="Start").click()
        await expect(page.get_by_role("heading", name="Projects")).to_be_visible()
        await expect(page.get_by_text("otto")).to_be_visible()
        await page.goto(f"/enter?code={code}")
        await expect(page.get_by_text("used before")).to_be_visible()


async def test_a_session_from_a_link_is_renewed_on_the_projects_page(
    installed: Installed, monkeypatch: pytest.MonkeyPatch
) -> None:
    body = {"subject": "otto", "role": "operator", "hours": 10}
    made = await installed.both.queue.post("/v1/links", json=body)
    async with client(installed.url) as browser:
        browser.headers["Origin"] = installed.url
        await browser.post("/enter", data={"code": made.json()["code"]})
        first = browser.cookies[COOKIE]
        await browser.get("/")
        assert browser.cookies[COOKIE] == first
        # The console's clock is past half of the token's time; the services' stand where they are.
        later = SimpleNamespace(time=lambda: time.time() + 6 * 3_600)
        monkeypatch.setattr(session, "time", later)
        await browser.get("/")
        assert browser.cookies[COOKIE] != first


async def test_the_review_queue_hears_from_where_a_person_comes(installed: Installed) -> None:
    async def bound_by(url: str, address: str) -> int:
        """The status of an entry from `address`, after too many from 203.0.113.7."""
        links: LinkService = installed.both.queue_app.state.services[LinkService]
        for _ in range(100):
            with suppress(NotFound, TooManyRequests), links.attempts.counting("203.0.113.7"):
                raise NotFound
        async with client(url) as browser:
            headers = {"Origin": url, "X-Forwarded-For": address}
            answer = await browser.post("/enter", data={"code": "none"}, headers=headers)
        return answer.status_code

    async def is_bound() -> bool:
        # The window of a minute may end in between.
        return await bound_by(installed.url, "203.0.113.7") == 429

    await wait_until(is_bound)
    # Others are not shut out.
    assert await bound_by(installed.url, "203.0.113.8") == 404
    # One that is no trusted proxy does not say where it comes from.
    common = installed.common.model_copy(update={"trusted_proxies": "198.51.100.0/24"})
    async with console_of(common, common.trainer_url) as url:
        assert await bound_by(url, "203.0.113.7") == 404
