import pytest
from starlette.requests import Request

from services.console.pages.sign_in.routes import forwarded


@pytest.mark.parametrize(
    ("client", "told"),
    [
        (("203.0.113.9", 0), {"X-Forwarded-For": "203.0.113.9"}),
        (("\u00e9", 0), {}),
        (("", 0), {}),
        (None, {}),
    ],
)
def test_address_that_no_header_takes_is_not_told(
    client: tuple[str, int] | None, told: dict[str, str]
) -> None:
    assert forwarded(Request({"type": "http", "client": client})) == told
