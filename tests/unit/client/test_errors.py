"""Errors: one tree, with the members of the problem."""

import pickle

import httpx
import pytest

from surehand import (
    Conflict,
    FeedRestarted,
    InvalidRequest,
    ProblemError,
    ServerError,
    ServiceUnavailable,
    Unavailable,
)
from surehand.responses import error_of, json_of

REQUEST = httpx.Request("POST", "http://127.0.0.1/v1/x?secret=1")


def answer(status: int, **parts: object) -> httpx.Response:
    return httpx.Response(status, request=REQUEST, **parts)  # type: ignore[arg-type]


def problem(status: int, kind: str, **members: object) -> ProblemError:
    document = {"type": f"urn:surehand:problem:{kind}", "title": "No", "status": status, **members}
    headers = {"X-Request-Id": "r-1", "Retry-After": "3"}
    return error_of(answer(status, json=document, headers=headers), "router")


def test_each_member_of_a_problem_is_an_attribute() -> None:
    error = problem(409, "feed-restarted", detail="Read again.", epoch="e2")
    assert isinstance(error, FeedRestarted)
    assert isinstance(error, Conflict)
    assert (error.kind, error.status, error.request_id, error.epoch) == (
        "feed-restarted",
        409,
        "r-1",
        "e2",
    )
    assert str(error) == "router refused (409): No. Read again. [request r-1]"
    assert not hasattr(error, "revision")


def test_faults_are_said_with_their_pointers() -> None:
    faults = [{"pointer": "/items/3/data/text", "detail": "is missing"}]
    error = problem(422, "unprocessable", errors=faults)
    assert isinstance(error, InvalidRequest)
    assert error.errors == faults
    assert "/items/3/data/text: is missing." in str(error)


def test_a_service_that_is_away_by_its_own_word_is_both() -> None:
    error = problem(503, "a-kind-of-a-later-release")
    assert isinstance(error, ServiceUnavailable)
    assert isinstance(error, Unavailable)
    assert (error.retry_after, error.service) == (3.0, "router")


@pytest.mark.parametrize("status", [302, 418, 500, 502])
def test_an_answer_without_a_problem_document_is_still_an_error(status: int) -> None:
    error = error_of(answer(status, text="<html>" + "x" * 1000), "trainer")
    assert (error.status, error.type) == (status, "about:blank")
    assert len(error.detail) < 400
    assert isinstance(error, ServerError) == (status == 500)
    assert isinstance(error, Unavailable) == (status == 502)


@pytest.mark.parametrize("document", [[], "text", {"title": None, "errors": "no"}, {"type": 3}])
def test_strange_documents_make_no_other_error(document: object) -> None:
    error = error_of(answer(409, json=document), "trainer")
    assert isinstance(error, Conflict)
    assert error.errors == []
    assert str(error)


def test_a_body_that_is_not_json_says_where_the_client_asked() -> None:
    with pytest.raises(ServerError, match=r"Is http://127\.0\.0\.1/v1/x an address") as caught:
        json_of(answer(200, text="hello"), "router")
    assert "secret" not in str(caught.value)
    assert json_of(answer(204), "router") is None


def test_errors_survive_another_process() -> None:
    for error in (problem(409, "feed-restarted", epoch="e2"), Unavailable("away", "router", 2.0)):
        again = pickle.loads(pickle.dumps(error))
        assert (type(again), str(again), again.retry_after) == (
            type(error),
            str(error),
            error.retry_after,
        )
