import orjson
import pytest

from shared.problems import NotFound, Problem, Unprocessable


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
