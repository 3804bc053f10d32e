"""When a certification of the demo has ended, and why a version does not answer alone."""

import pytest

from services.demo.report import obstacle
from services.demo.seed import has_ended
from surehand.models.promises import Certificate
from surehand.models.training import Version


def _certificate(state: str, version: str = "v2", detail: str | None = None) -> Certificate:
    return Certificate(state=state, version=version, detail=detail)


@pytest.mark.parametrize("state", ["certified", "failed", "cancelled"])
def test_a_certification_that_is_closed_has_ended(state: str) -> None:
    assert has_ended(_certificate(state), "v2")


def test_a_certification_has_not_ended_before_or_between_its_draws() -> None:
    assert not has_ended(_certificate("open"), "v2")
    assert not has_ended(_certificate("waiting"), "v2")
    assert not has_ended(_certificate("certified", "v1"), "v2")


def test_a_certification_that_lacks_posts_has_ended() -> None:
    assert has_ended(_certificate("waiting", detail="waits for 330 items"), "v2")


def _version(*channels: str) -> Version:
    gate = {"certification": {"reasons": ["certified for 0.300 of the population"]}}
    return Version(version="v2", standing="certified", channels=list(channels), gate=gate)


def test_a_certified_champion_has_no_obstacle() -> None:
    assert obstacle(_certificate("certified"), _version("champion")) == ""


def test_the_obstacle_is_what_the_trainer_says() -> None:
    failed = _certificate("failed", detail="not certified: about 40 more labels")
    lacking = _certificate("waiting", detail="waits for 330 items")
    assert obstacle(failed, _version()) == "v2 was not certified (about 40 more labels)."
    assert obstacle(lacking, _version("champion")) == "v2 was not certified (waits for 330 items)."
    assert obstacle(_certificate("certified"), _version()) == (
        "v2 is certified and does not replace the champion (certified for 0.300 of the population)."
    )
