"""What tasks need, and which needs tags cover."""

from hypothesis import given
from hypothesis import strategies as st

from services.review_queue.lifecycle.needs import covered_by, joined, needs_of, tags_in
from shared.contracts.review_settings import MOST_TAGS, tag_of

KEYS = ("language", "skill", "region")
tags = st.builds(tag_of, st.sampled_from(KEYS), st.sampled_from(["a", "b b", "c\nd", "É"]))


def test_needs_are_the_matched_keys_that_have_a_value() -> None:
    metadata = {"language": " De\n", "skill": " ", "channel": "web"}
    assert needs_of(metadata, ["skill", "language"]) == "language=de"
    assert needs_of(metadata, []) == needs_of({}, ["language"]) == ""
    assert len(needs_of({"language": "x" * 1000}, ["language"])) < 120


@given(st.sets(tags, max_size=MOST_TAGS), st.sets(tags, min_size=1, max_size=3))
def test_needs_are_covered_by_who_has_all_their_tags(own: set[str], wanted: set[str]) -> None:
    keys = {tag.partition("=")[0] for tag in wanted}
    needs = joined(wanted)
    assert set(tags_in(needs)) == wanted
    # A task has one value of each key.
    assert (needs in covered_by(own)) == (wanted <= own and len(keys) == len(wanted))


def test_what_a_reviewer_covers_is_bounded() -> None:
    most = [f"{KEYS[number % 3]}={number}" for number in range(MOST_TAGS)]
    assert len(covered_by(most)) == 5**3 - 1
    many_keys = [f"key{number}=x" for number in range(MOST_TAGS)]
    assert len(covered_by(many_keys)) == 12 + 66 + 220
