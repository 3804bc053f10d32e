"""How the page of the versions words a shadow stage."""

from services.console.pages.versions.view import STAGE_STATES, approval_of
from services.console.web.cards import Card
from services.console.web.rendering import rendered


def test_a_stage_shows_what_was_found_beside_what_is_needed() -> None:
    figures = {
        "items": 1200,
        "differing": 31,
        "reviewed": 20,
        "gained": 12,
        "lost": 5,
        "evidence_for": 4.512,
        "needed_for": 32.9,
        "evidence_against": 0.0123,
        "needed_against": 20.0,
    }
    stage = {
        "version": "v2",
        "champion": "v1",
        "state": "running",
        "labels": 200,
        "began_at": "2026-11-29T00:00:00Z",
        "ends_at": "2026-12-13T00:00:00Z",
        "figures": figures,
        "reasons": [],
    }
    stages = Card({"stages": [stage, {**stage, "state": "of a later release"}]})
    page = rendered("versions/_stages.html", stages=stages, stage_states=STAGE_STATES)
    shown = bytes(page.body).decode()
    running, unknown = shown.split("<tbody>")[1].split("</tr>")[:2]
    for words in ("running", "31 of at most 200", "4.51 of 32.9", "0.0123 of 20", ">20<", "<time"):
        assert words in running, words
    assert "of a later release" in unknown
    assert "<time" not in unknown


def test_an_approval_of_the_release_before_is_of_a_version_that_passed() -> None:
    kept = {"approval": {"state": "waiting", "champion": "v1", "by_stages": True}}
    found = approval_of({"gate": kept, "retired": False}, "v1")
    assert found is not None
    assert (found["waits"], found["undecided"]) == (True, False)
