"""Figures as people read them, and where a session and a path may lead."""

import base64
import time
from datetime import UTC, datetime
from typing import get_args

import orjson
import pytest

from services.console.charts.audited_error import wilson
from services.console.pages.items.view import KINDS
from services.console.web import words
from services.console.web.promise_light import promise_light
from services.console.web.security import local_path
from services.console.web.session import read_token
from services.review_queue.lifecycle.messages import EventKind

NOW = datetime(2026, 11, 28, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("share", "digits", "shown"),
    [
        (None, 0, words.NONE),
        (0.0, 0, "0 %"),
        (1.0, 0, "100 %"),
        (0.534, 0, "53 %"),
        (0.0042, 0, "0.4 %"),
        (0.9996, 0, "100.0 %"),
        (0.12345, 2, "12.35 %"),
    ],
)
def test_a_share_is_told_in_percent(share: float | None, digits: int, shown: str) -> None:
    assert words.percent(share, digits) == shown


def test_each_kind_of_event_of_a_task_has_a_heading() -> None:
    assert KINDS.keys() == set(get_args(EventKind))


def test_spans_and_counts_are_told_in_their_largest_unit() -> None:
    assert words.duration(9.3e-16) == "under 1 s"
    assert words.duration(90) == "90 s"
    assert words.duration(7_200) == "2 hours"
    assert words.count(1, "label") == "1 label"
    assert words.count(12_000, "label") == "12\N{NARROW NO-BREAK SPACE}000 labels"
    assert words.age("2026-11-28T11:00:00Z", NOW) == "60 min ago"
    assert words.age("2026-12-04T12:00:00Z", NOW) == "in 6 days"
    assert words.plain(0.1 + 0.2) == "0.3"


def test_wilsons_interval_has_its_published_values() -> None:
    # Newcombe, Statistics in Medicine 17 (1998), table I: 81 of 263, 15 of 148, 0 of 20.
    for hits, of, low, high in ((81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605)):
        assert wilson(hits, of) == pytest.approx((low, high), abs=1e-4)
    assert wilson(0, 20) == pytest.approx((0.0, 0.1611), abs=1e-4)
    assert wilson(0, 0) == (0.0, 1.0)


def test_a_promise_that_routers_would_not_keep_is_never_shown_as_good() -> None:
    assert promise_light({"state": "certified", "valid_now": True}).colour == "good"
    light = promise_light({"state": "certified", "valid_now": False})
    assert (light.colour, light.words) == ("bad", "Certified, not in force")
    assert promise_light({"state": "of_a_later_release", "valid_now": False}).colour == "none"


@pytest.mark.parametrize(
    "path", ["//evil.example", "/\\evil.example", "https://evil.example", "", "/a\nb"]
)
def test_a_path_of_another_site_leads_to_the_first_page(path: str) -> None:
    assert local_path(path) == "/"


def _token(claims: object) -> str:
    body = base64.urlsafe_b64encode(orjson.dumps(claims)).decode().rstrip("=")
    return f"header.{body}.signature"


def test_a_session_is_read_from_its_token() -> None:
    claims = {"sub": "olga", "role": "operator", "exp": 2_000_000_000, "projects": ["shop"]}
    session = read_token(_token(claims))
    assert session is not None
    assert (session.subject, session.is_operator, session.projects) == ("olga", True, ("shop",))
    other = read_token(_token(claims | {"sub": "otto"}))
    assert other is not None
    assert session.csrf != other.csrf


def test_only_the_session_of_a_link_is_renewed_and_not_before_half_its_time() -> None:
    year = 365 * 86_400
    begun = {"sub": "o", "role": "operator", "iat": time.time(), "exp": time.time() + year}
    old = begun | {"iat": time.time() - 2 * year}
    for claims, wanted in (
        (old, False),
        (old | {"link": "x"}, True),
        (begun | {"link": "x"}, False),
    ):
        session = read_token(_token(claims))
        assert session is not None
        assert session.is_to_be_renewed is wanted


@pytest.mark.parametrize(
    "token", ["", "a.b", "a.b.c", "a.\N{SNOWMAN}.c", _token([1]), _token({"exp": "soon"})]
)
def test_what_is_no_token_makes_no_session(token: str) -> None:
    assert read_token(token) is None
