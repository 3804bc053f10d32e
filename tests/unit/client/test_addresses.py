"""Where the client finds services and token."""

import json
from pathlib import Path

import pytest

from surehand import ConfigurationError
from surehand.addresses import SERVICES, Addresses, find_addresses

LOCAL = {name: f"http://127.0.0.1:{8000 + i}" for i, name in enumerate(SERVICES)}
NONE: dict[str, str | None] = dict.fromkeys(SERVICES)


@pytest.fixture
def home(tmp_path: Path) -> Path:
    (tmp_path / "ready").write_text(json.dumps(LOCAL))
    (tmp_path / "tokens.json").write_text(json.dumps({"operator": "local", "caller": "other"}))
    return tmp_path


def find(
    home: Path, url: str | None = None, token: str | None = None, /, **known: str
) -> Addresses:
    services = {name: known.get(name) for name in SERVICES}
    environment = {key: value for key, value in known.items() if key not in SERVICES}
    return find_addresses(url, services, token, {"SUREHAND_HOME": str(home), **environment})


def test_the_local_installation_is_found_by_its_home(home: Path) -> None:
    found = find(home)
    assert (found.urls, found.token, found.are_local) == (LOCAL, "local", True)


def test_a_gateway_has_a_prefix_for_each_service(home: Path) -> None:
    found = find(home, "https://surehand.example/api/", "mine")
    assert found.url("trainer", "/v1/x") == "https://surehand.example/api/trainer/v1/x"
    assert find(home, SUREHAND_URL="https://other.example", SUREHAND_TOKEN="t").urls == {
        name: f"https://other.example/{name}" for name in SERVICES
    }


def test_what_is_given_comes_before_the_environment(home: Path) -> None:
    known = {"SUREHAND_URL": "https://other.example", "SUREHAND_TOKEN": "theirs"}
    found = find(home, None, "mine", router="http://127.0.0.1:1", **known)
    assert (found.urls, found.token) == ({"router": "http://127.0.0.1:1"}, "mine")
    both = find(home, "https://a.example", router="http://b.example", **known)
    assert both.urls["router"] == "http://b.example"
    assert both.urls["trainer"] == "https://a.example/trainer"


def test_the_local_token_goes_to_no_other_machine(home: Path) -> None:
    assert find(home, "http://localhost:9000").token == "local"
    assert find(home, "http://[::1]:9000").token == "local"
    for elsewhere in ("https://surehand.example", "http://127.0.0.1.example", "http://10.0.0.1"):
        with pytest.raises(ConfigurationError, match="SUREHAND_TOKEN"):
            find(home, elsewhere)


def test_a_service_that_was_not_named_is_said_when_it_is_needed(home: Path) -> None:
    found = find(home, router="http://127.0.0.1:1")
    with pytest.raises(ConfigurationError, match=r"trainer=…"):
        found.url("trainer", "/v1/x")
    with pytest.raises(ConfigurationError, match="no service"):
        found.url("console", "/")


@pytest.mark.parametrize("address", ["127.0.0.1:8000", "ftp://a", "http://", "http://a/?b=c"])
def test_what_is_no_address_is_refused(home: Path, address: str) -> None:
    with pytest.raises(ConfigurationError, match="no address"):
        find(home, address, "t")


def test_without_an_installation_the_error_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="make run"):
        find(tmp_path)
    (tmp_path / "ready").write_text("not JSON")
    with pytest.raises(ConfigurationError, match="make run"):
        find(tmp_path)
