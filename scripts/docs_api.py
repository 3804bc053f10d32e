"""Write the reference of each service's HTTP routes, for the documentation site.

The pages come from the OpenAPI documents that the services serve, and are not kept in the
repository: `make docs` writes them anew.
"""

import json
import sys
import tempfile
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from secrets import token_hex
from typing import Any

from fastapi import FastAPI

from services.serving import SERVICES, load_service_settings
from shared.settings import CommonSettings, load_settings

ROOT = Path(__file__).resolve().parent.parent
PAGES = ROOT / "docs" / "reference" / "api"
METHODS = ("get", "post", "put", "patch", "delete")

Document = dict[str, Any]


def document_of(service: str, home: Path) -> Document:
    """Return the OpenAPI document of a service; nothing is started."""
    common = load_settings(CommonSettings, home=home, secret=token_hex(32))
    module: Any = import_module(f"services.{service}.app")
    app: FastAPI = module.create_app(common, load_service_settings(service))
    return app.openapi()


def page_of(service: str, document: Document) -> str:
    """Return the Markdown page of a service: its routes by tag, then the objects they carry."""
    title = document["info"]["title"].removeprefix("Surehand ")
    title = title.replace("_", " ").capitalize()
    by_tag: dict[str, list[str]] = {}
    for path, operations in document["paths"].items():
        for method in METHODS:
            if operation := operations.get(method):
                tag = next(iter(operation.get("tags", ())), "other")
                by_tag.setdefault(tag, []).append("\n".join(_operation(method, path, operation)))
    lines = [f"# {title}: routes", "", f"Written from `/openapi.json` of the {service} service."]
    for tag, texts in by_tag.items():
        lines += ["", f"## {tag.replace('_', ' ').capitalize()}", *texts]
    lines += ["", "## Objects"]
    for name, schema in sorted(document["components"].get("schemas", {}).items()):
        lines += _object(name, schema)
    return "\n".join(lines) + "\n"


def _operation(method: str, path: str, operation: Document) -> Iterator[str]:
    yield f"\n### {operation['summary']}\n\n`{method.upper()} {path}`\n"
    yield operation.get("description", "")
    rows = [
        (f"`{one['name']}`", one["in"], _type(one["schema"]), one.get("description", ""))
        for one in operation.get("parameters", ())
        if one["in"] != "path"
    ]
    if rows:
        yield "\n| parameter | in | type | meaning |\n|---|---|---|---|"
        yield from (f"| {' | '.join(map(_cell, row))} |" for row in rows)
    for kind, content in operation.get("requestBody", {}).get("content", {}).items():
        yield f"\nBody: `{kind}`, {_type(content.get('schema', {}))}."
    yield "\n| status | meaning | body |\n|---|---|---|"
    for status, response in operation["responses"].items():
        kinds = response.get("content", {}).items()
        # The form of a problem is the same everywhere, and has a page of its own.
        body = ", ".join(
            "[problem](../problems.md)" if "problem" in kind else _type(content.get("schema", {}))
            for kind, content in kinds
        )
        yield f"| {status} | {_cell(response['description'])} | {_cell(body)} |"


def _object(name: str, schema: Document) -> Iterator[str]:
    yield f"\n### {name}\n"
    yield schema.get("description", "").replace("``", "`")
    if "enum" in schema:
        yield "\nOne of " + ", ".join(f"`{json.dumps(one)}`" for one in schema["enum"]) + "."
    if members := schema.get("properties"):
        required = set(schema.get("required", ()))
        yield "\n| member | type | default | meaning |\n|---|---|---|---|"
        for member, its in members.items():
            given = "required" if member in required else _default(its)
            row = (f"`{member}`", _type(its), given, its.get("description", ""))
            yield f"| {' | '.join(map(_cell, row))} |"


def _default(schema: Document) -> str:
    return f"`{json.dumps(schema['default'])}`" if "default" in schema else ""


def _type(schema: Document) -> str:
    """Say in a few words which values a schema takes, with links to objects."""
    if "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        return f"[{name}](#{name.lower()})"
    for several in ("anyOf", "oneOf", "allOf"):
        if several in schema:
            return " or ".join(dict.fromkeys(_type(one) for one in schema[several]))
    if "const" in schema:
        return f"`{json.dumps(schema['const'])}`"
    if "enum" in schema:
        return " or ".join(f"`{json.dumps(one)}`" for one in schema["enum"])
    kind = schema.get("format") or schema.get("type") or "any"
    if kind == "array":
        return f"list of {_type(schema.get('items', {}))}{_bounds(schema)}"
    values = schema.get("additionalProperties")
    if kind == "object" and isinstance(values, dict) and values:
        return f"object of {_type(values)}{_bounds(schema)}"
    return f"{kind}{_bounds(schema)}"


def _bounds(schema: Document) -> str:
    said = [
        f"{word} {schema[name]}"
        for name, word in (
            ("minimum", "≥"),
            ("exclusiveMinimum", ">"),
            ("maximum", "≤"),
            ("exclusiveMaximum", "<"),
            ("maxLength", "at most"),
            ("maxItems", "at most"),
            ("maxProperties", "at most"),
        )
        if name in schema
    ]
    return f" ({', '.join(said)})" if said else ""


def _cell(text: str) -> str:
    return " ".join(text.replace("|", "\\|").split())


def main() -> None:
    """Write one page a service."""
    PAGES.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as home:
        for service in SERVICES:
            page = PAGES / f"{service.replace('_', '-')}.md"
            page.write_text(page_of(service, document_of(service, Path(home))))
            sys.stdout.write(f"{page.relative_to(ROOT)}\n")


if __name__ == "__main__":
    main()
