"""How the page of the versions words a shadow stage."""

from services.console.pages.versions.view import approval_of, stage_rows


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
    (row,) = stage_rows([stage])
    assert (row["state"], row["runs"], row["differing"]) == ("running", True, "31 of at most 200")
    assert (row["evidence"], row["against"]) == ("4.51 of 32.9", "0.0123 of 20")
    assert row["reviewed"] == "20"
    (unknown,) = stage_rows([{**stage, "state": "of a later release"}])
    assert unknown["state"] == "of a later release"


def test_an_approval_of_the_release_before_is_of_a_version_that_passed() -> None:
    kept = {"approval": {"state": "waiting", "champion": "v1", "by_stages": True}}
    found = approval_of({"gate": kept, "retired": False}, "v1")
    assert found is not None
    assert (found["waits"], found["undecided"]) == (True, False)
