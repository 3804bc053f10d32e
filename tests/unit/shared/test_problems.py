from types import SimpleNamespace
from typing import Any

import orjson
import pytest
from structlog.testing import capture_logs

from shared.problems import NotFound, Problem, Unprocessable
from shared.problems.handlers import note
from shared.telemetry import ROUTE


@pytest.mark.parametrize(
    ("problem", "spelt"),
    [
        (Unprocessable([("/header/Pr\udcfcfer", "is \ud800 no column")]), r"/header/Pr\udcfcfer"),
        (NotFound("There is no \udcff."), r"There is no \udcff."),
        (NotFound("See `seen`.", seen={"\udcff": ("ü",)}), r"\udcff"),
    ],
)
def test_a_problem_with_text_that_is_no_unicode_is_spelt_out(problem: Problem, spelt: str) -> None:
    response = problem.response()
    assert response.status_code == problem.status
    document = orjson.loads(response.body)
    assert document["title"] == problem.title
    assert spelt in repr(document).replace("\\\\", "\\")


def test_text_that_is_unicode_stays() -> None:
    document = orjson.loads(NotFound(r"Prüfer \udcff", item_id="ü").response().body)
    assert (document["detail"], document["item_id"]) == (r"Prüfer \udcff", "ü")


@pytest.mark.parametrize(
    ("scope", "pointer", "logged"),
    [
        (
            {ROUTE: "/v1/projects/{project}/predict"},
            "/items/3/data/a name of the client's own",
            {"path": "/v1/projects/{project}/predict", "pointer": "/items/3/data"},
        ),
        (
            {"route": SimpleNamespace(path_format="/v1/leases/{token}/verdict")},
            "/label",
            {"path": "/v1/leases/{token}/verdict", "pointer": "/label"},
        ),
        ({}, "/metadata", {"path": "other", "pointer": "/metadata"}),
    ],
)
def test_a_refusal_is_logged_with_its_place_and_without_data(
    scope: dict[str, Any], pointer: str, logged: dict[str, str]
) -> None:
    request = {"method": "POST", "path": "/v1/leases/secret/verdict", **scope}
    with capture_logs() as lines:
        note(Unprocessable([(pointer, "is wrong"), ("/review", "is wrong too")]), request)
    refused = {"event": "request_refused", "log_level": "info", "method": "POST"}
    assert lines == [{**refused, "problem": "unprocessable", "status": 422, **logged}]
