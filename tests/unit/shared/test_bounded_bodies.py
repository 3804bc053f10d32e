"""Each list and each mapping in a JSON body has a bound, so that its faults have one too."""

import importlib
from collections.abc import Iterator
from typing import Any

import pytest

from services.serving import SERVICES, load_service_settings
from shared.settings import CommonSettings

_MOST = 10_000


# The console has forms alone, which are bounded in bytes and in fields.
@pytest.mark.parametrize("service", sorted(SERVICES.keys() - {"console"}))
def test_lists_and_mappings_in_bodies_are_bounded(service: str, common: CommonSettings) -> None:
    module = importlib.import_module(f"services.{service}.app")
    document = module.create_app(common, load_service_settings(service)).openapi()
    schemas = document["components"]["schemas"]
    wanted: list[Any] = []
    for operations in document["paths"].values():
        for operation in operations.values():
            content = operation.get("requestBody", {}).get("content", {})
            schema = content.get("application/json", {}).get("schema", {})
            # What is no message of ours, as a file of Label Studio's, is read piece by piece.
            wanted += [schema] if "$ref" in schema else []
    assert wanted
    unbounded = {place for schema in wanted for place in _unbounded(schema, schemas, "")}
    assert unbounded == set()


def _unbounded(schema: Any, schemas: Any, place: str) -> Iterator[str]:
    if "$ref" in schema:
        place = schema["$ref"].rpartition("/")[2]
        schema = schemas[place]
    values = schema.get("additionalProperties")
    # Values of any kind are taken as they are: they have no faults.
    is_mapping = isinstance(values, dict) and bool(values)
    bound = "maxItems" if schema.get("type") == "array" else "maxProperties" if is_mapping else None
    if bound and schema.get(bound, _MOST + 1) > _MOST:
        yield place
    parts = [part for key in ("anyOf", "oneOf", "allOf") for part in schema.get(key, [])]
    parts += [part for part in (schema.get("items"), values) if isinstance(part, dict)]
    for part in parts:
        yield from _unbounded(part, schemas, place)
    for name, part in schema.get("properties", {}).items():
        yield from _unbounded(part, schemas, f"{place}.{name}")
