"""Projects as YAML: what is read is what was written, and a patch makes the one of the other."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from surehand.cli.documents import from_yaml, merge_patch, to_yaml

_TEXTS = st.text(st.characters(exclude_categories=("Cs", "Cc")), max_size=8)
_LEAVES = _TEXTS | st.integers(-5, 5) | st.booleans() | st.lists(_TEXTS, max_size=2)
_OBJECTS = st.recursive(
    st.dictionaries(_TEXTS, _LEAVES, max_size=3),
    lambda inner: st.dictionaries(_TEXTS, inner | _LEAVES, max_size=3),
    max_leaves=8,
)


def apply(document: dict[str, Any], patch: dict[str, Any]) -> dict[str, Any]:
    """RFC 7386, as the service applies it."""
    merged = dict(document)
    for name, value in patch.items():
        old = merged.get(name)
        if value is None:
            merged.pop(name, None)
        elif isinstance(value, dict):
            merged[name] = apply(old if isinstance(old, dict) else {}, value)
        else:
            merged[name] = value
    return merged


@given(_OBJECTS, _OBJECTS)
def test_merge_patch_makes_one_of_the_other(before: dict[str, Any], after: dict[str, Any]) -> None:
    assert apply(before, merge_patch(before, after)) == after


@given(_OBJECTS)
def test_yaml_is_read_as_it_was_written(document: dict[str, Any]) -> None:
    assert from_yaml(to_yaml(document), "it") == document


def test_labels_such_as_yes_and_dates_stay_texts() -> None:
    assert from_yaml("labels: [yes, No, off, 2026-11-28]", "it") == {
        "labels": ["yes", "No", "off", "2026-11-28"]
    }
