"""What an edit changed, in short lines (pure)."""

from collections.abc import Collection, Iterator, Mapping
from typing import Any

_MOST_LINES = 20
_LONGEST = 200
# Their text may be long; the revision has it.
_LONG = {"instructions"}


def changes_between(
    old: Mapping[str, Any], new: Mapping[str, Any], members: Collection[str]
) -> list[str]:
    """Return a line for each difference in `members` of two projects, the first 20 of them.

    Examples
    --------
    >>> old = {"labels": ["a", "b"], "promise": {"target_accuracy": 0.9}, "instructions": "x"}
    >>> new = {"labels": ["a", "c"], "promise": {"target_accuracy": 0.95}, "instructions": "xyz"}
    >>> for line in changes_between(old, new, ["labels", "promise", "instructions"]): print(line)
    labels: + c, - b
    promise.target_accuracy: 0.9 -> 0.95
    instructions: 1 -> 3 characters
    """
    before, after = ({name: one.get(name) for name in members} for one in (old, new))
    lines = [line[:_LONGEST] for line in _lines(before, after, "")]
    more = len(lines) - _MOST_LINES
    return lines if more <= 0 else [*lines[:_MOST_LINES], f"and {more} more"]


def _lines(old: Mapping[str, Any], new: Mapping[str, Any], above: str) -> Iterator[str]:
    for name in [*old, *(name for name in new if name not in old)]:
        before, after, path = old.get(name), new.get(name), f"{above}{name}"
        if before == after:
            continue
        if isinstance(before, Mapping) and isinstance(after, Mapping):
            yield from _lines(before, after, f"{path}.")
        elif isinstance(before, list) and isinstance(after, list):
            yield f"{path}: {_list_changes(before, after)}"
        elif path in _LONG:
            yield f"{path}: {len(before or '')} -> {len(after or '')} characters"
        else:
            yield f"{path}: {_shown(before)} -> {_shown(after)}"


def _list_changes(before: list[Any], after: list[Any]) -> str:
    added = [f"+ {_shown(one)}" for one in after if one not in before]
    removed = [f"- {_shown(one)}" for one in before if one not in after]
    return ", ".join([*added, *removed]) or "in another order"


def _shown(value: Any) -> str:
    if value is None:
        return "none"
    if isinstance(value, Mapping):
        # A webhook by its address; of others what they have.
        return str(value.get("url") or ", ".join(f"{name} {one}" for name, one in value.items()))
    return str(value)
