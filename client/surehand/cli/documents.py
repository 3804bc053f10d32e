"""Projects as YAML, and the difference between two of them (pure)."""

import difflib
from collections.abc import Mapping
from typing import Any

import yaml

from surehand.cli.failures import UserError
from surehand.cli.text import line_of

READ_ONLY = (
    *("revision", "instructions_revision", "created_at", "updated_at"),
    *("rewording", "archived_at", "first_revision", "deleted_at"),
)
_FIRST = ("project", "title", "labels", "fields", "metadata", "instructions", "promise")


class _Dumper(yaml.SafeDumper):
    """Writes texts of several lines as they are read."""


class _Loader(yaml.SafeLoader):
    """Reads `yes`, `no` and dates as the texts that labels are, as YAML 1.2 does."""


def _text(dumper: yaml.SafeDumper, value: str) -> yaml.ScalarNode:
    style = "|" if "\n" in value else None
    return dumper.represent_scalar("tag:yaml.org,2002:str", value, style=style)


_Dumper.add_representer(str, _text)
_Loader.yaml_implicit_resolvers = {
    first: [
        (tag, pattern)
        for tag, pattern in resolvers
        if tag != "tag:yaml.org,2002:timestamp"
        and (tag != "tag:yaml.org,2002:bool" or first in "tTfF")
    ]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


def editable(document: Mapping[str, Any]) -> dict[str, Any]:
    """Return a project's members that an edit may change, the everyday ones first."""
    names = [name for name in _FIRST if name in document]
    names += [name for name in document if name not in _FIRST and name not in READ_ONLY]
    members = {name: document[name] for name in names}
    fields = members.get("fields", {})
    # A field shows what its type has.
    members["fields"] = {name: _without_nulls(spec) for name, spec in fields.items()}
    return members


def _without_nulls(spec: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in spec.items() if value is not None}


def to_yaml(document: Mapping[str, Any]) -> str:
    """Return YAML."""
    return yaml.dump(dict(document), Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=100)


def from_yaml(text: str, place: str) -> dict[str, Any]:
    """Return the object that YAML (or JSON) says.

    Raises
    ------
    UserError
        It is not YAML, or not an object.
    """
    try:
        document = yaml.load(text, Loader=_Loader)  # noqa: S506 - a safe loader
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise UserError(f"{place} is not YAML: {line_of(error)}") from error
    if not isinstance(document, dict) or not all(isinstance(key, str) for key in document):
        raise UserError(f"{place} has no members such as `labels:` and `fields:`.")
    return document


def merge_patch(before: Mapping[str, Any], after: Mapping[str, Any]) -> dict[str, Any]:
    """Return the JSON merge patch (RFC 7386) that makes `after` of `before`.

    Examples
    --------
    >>> merge_patch({"a": {"b": 1, "c": 2}, "d": 3}, {"a": {"b": 1, "c": 4}})
    {'a': {'c': 4}, 'd': None}
    """
    patch: dict[str, Any] = {}
    for name, value in after.items():
        old = before.get(name)
        if isinstance(value, dict) and isinstance(old, dict):
            if changed := merge_patch(old, value):
                patch[name] = changed
        elif name not in before or value != old or type(value) is not type(old):
            patch[name] = value
    return patch | {name: None for name in before if name not in after}


def difference(before: Mapping[str, Any], after: Mapping[str, Any], names: tuple[str, str]) -> str:
    """Return a unified diff of two projects as YAML."""
    old, new = (to_yaml(one).splitlines() for one in (before, after))
    return "\n".join(difflib.unified_diff(old, new, *names, lineterm="", n=1))
