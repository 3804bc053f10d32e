"""The table of the field types, and the reading of a field by it.

A new type is a module beside this one, and a line in the table.
"""

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import (
    GetJsonSchemaHandler,
    SerializeAsAny,
    ValidationError,
    ValidationInfo,
    ValidatorFunctionWrapHandler,
    WrapValidator,
)
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, InitErrorDetails

from shared.contracts.base import from_stored, is_stored, one_of
from shared.fields.category import CategoryField
from shared.fields.image import ImageField
from shared.fields.json import JsonField
from shared.fields.number import NumberField
from shared.fields.spec import FieldSpec
from shared.fields.text import TextField
from shared.fields.vector import VectorField

FIELD_TYPES: dict[str, type[FieldSpec]] = {
    "text": TextField,
    "number": NumberField,
    "category": CategoryField,
    "image": ImageField,
    "vector": VectorField,
    "json": JsonField,
}


class UnknownField(JsonField):
    """A field of a stored project whose type a later release has added.

    Its values are shown as JSON. No graph here can be fed from it, and nothing is certified.
    """

    type: str  # type: ignore[assignment]


def _of_its_type(value: Any, handler: ValidatorFunctionWrapHandler, info: ValidationInfo) -> Any:
    if not isinstance(value, dict) or not isinstance(value.get("type"), str):
        # A field already, or what the handler refuses.
        return handler(value)
    name = value["type"]
    kind = FIELD_TYPES.get(name)
    if is_stored(info):
        return UnknownField(type=name) if kind is None else from_stored(kind, value)
    if kind is None:
        fault: InitErrorDetails = {"type": "literal_error", "loc": ("type",), "input": name}
        fault["ctx"] = {"expected": one_of(FIELD_TYPES)}
        raise ValidationError.from_exception_data("field", [fault])
    return kind.model_validate(value)


def unknown_types(fields: Mapping[str, FieldSpec]) -> dict[str, str]:
    """Return the types that this release does not know, by the names of their fields."""
    return {name: spec.type for name, spec in fields.items() if isinstance(spec, UnknownField)}


class _NamesTypes:
    """Lets the JSON schema of a field have the names and the members of all types."""

    @classmethod
    def __get_pydantic_json_schema__(
        cls, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        """Add them to the schema of `FieldSpec`."""
        made = handler(schema)
        members = handler.resolve_ref_schema(made)["properties"]
        members["type"]["enum"] = list(FIELD_TYPES)
        for kind in FIELD_TYPES.values():
            for name, member in kind.model_json_schema()["properties"].items():
                members.setdefault(name, member)
        return made


AnyField = Annotated[SerializeAsAny[FieldSpec], WrapValidator(_of_its_type), _NamesTypes]
"""A field of any type of the table, as a member of a message."""
