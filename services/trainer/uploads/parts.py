"""The two parts of an upload, out of a multipart body."""

import contextlib
from collections.abc import AsyncIterator
from typing import Annotated, Any, Literal, TypeVar

from pydantic import Field, ValidationError
from starlette.datastructures import FormData, UploadFile
from starlette.exceptions import HTTPException
from starlette.requests import Request

from shared.contracts.base import Label, Message, at_most
from shared.contracts.items import FieldError
from shared.contracts.versions import ModelInput
from shared.http.body import parse_json
from shared.problems import BodyTooLarge, NotJson, Unprocessable
from shared.problems.faults import pointer_of

PARTS = ("model", "manifest")
MANIFEST_BYTES = 1024 * 1024
_MULTIPART = "multipart/form-data"

AnyManifest = TypeVar("AnyManifest", bound=Message)


class OwnManifest(Message):
    """The part `manifest` of ``POST …/versions``: a model's description by its maker.

    `labels` name the columns of the probabilities; left out, they are the project's. `metrics`
    are the maker's own, and kept as they are.
    """

    inputs: list[ModelInput] = Field(min_length=1, max_length=1000)
    outputs: Annotated[dict[Literal["probabilities"], str], *at_most(1)] = Field(min_length=1)
    labels: list[Label] | None = Field(default=None, max_length=1000)
    metrics: Annotated[dict[str, float], *at_most(100)] = {}


def multipart_schema(manifest: str) -> dict[str, Any]:
    """Return what OpenAPI says of an upload; `manifest` describes that part."""
    schema = {
        "type": "object",
        "required": list(PARTS),
        "additionalProperties": False,
        "properties": {
            "model": {"type": "string", "contentMediaType": "application/octet-stream"},
            "manifest": {
                "type": "string",
                "contentMediaType": "application/json",
                "description": manifest,
            },
        },
    }
    return {"requestBody": {"required": True, "content": {_MULTIPART: {"schema": schema}}}}


@contextlib.asynccontextmanager
async def reading_parts(
    request: Request, model_limit_bytes: int, kind: type[AnyManifest]
) -> AsyncIterator[tuple[UploadFile, AnyManifest]]:
    """Give the model's file and the manifest of a request; see `read_parts` for what is refused."""
    if not request.headers.get("content-type", "").lower().startswith(_MULTIPART):
        raise Unprocessable([("/header/content-type", f"must be {_MULTIPART}")])
    try:
        async with request.form(max_files=len(PARTS), max_fields=len(PARTS)) as parts:
            yield await read_parts(parts, model_limit_bytes, kind)
    except HTTPException as error:
        raise Unprocessable([("", f"cannot be read: {error.detail}")]) from error


async def read_parts(
    form: FormData, model_limit_bytes: int, kind: type[AnyManifest]
) -> tuple[UploadFile, AnyManifest]:
    """Return the model's file and the manifest.

    Raises `Unprocessable`: a part is missing, is there twice or is another one, or the manifest is
    none; `BodyTooLarge`: the model is larger than `model_limit_bytes`.
    """
    names = [name for name, _ in form.multi_items()]
    errors: list[FieldError] = [
        (f"/{name}", "is missing" if name not in names else "is there twice")
        for name in PARTS
        if names.count(name) != 1
    ]
    errors += [(f"/{name}", "is no part of an upload") for name in names if name not in PARTS]
    model, manifest = form.get("model"), form.get("manifest")
    if not errors and not isinstance(model, UploadFile):
        errors.append(("/model", "must be a file: send it with a file name"))
    if errors:
        raise Unprocessable(errors)
    assert isinstance(model, UploadFile)
    if (model.size or 0) > model_limit_bytes:
        raise BodyTooLarge(model_limit_bytes)
    return model, _manifest(await _text(manifest), kind)


async def _text(part: UploadFile | str | None) -> bytes:
    if isinstance(part, UploadFile):
        if (part.size or 0) > MANIFEST_BYTES:
            raise Unprocessable([("/manifest", f"must have at most {MANIFEST_BYTES} bytes")])
        return await part.read()
    return (part or "").encode()


def _manifest(body: bytes, kind: type[AnyManifest]) -> AnyManifest:
    try:
        document = parse_json(body)
    except NotJson as error:
        raise Unprocessable([("/manifest", "must be JSON")]) from error
    except Unprocessable as error:
        faults = error.extensions["errors"]
        raise Unprocessable(
            [(f"/manifest{fault['pointer']}", fault["detail"]) for fault in faults]
        ) from error
    try:
        return kind.model_validate(document)
    except ValidationError as error:
        raise Unprocessable(
            [
                (f"/manifest{pointer_of(_places(document, fault['loc']))}", str(fault["msg"]))
                for fault in error.errors()
            ]
        ) from error


def _places(document: Any, location: tuple[int | str, ...]) -> list[int | str]:
    """Return the part of a location that lies in the document: a union's branches do not."""
    places: list[int | str] = []
    for place in location:
        try:
            document = document[place]
        except TypeError:
            break
        except LookupError:  # what is missing is named by where it should be
            places.append(place)
            break
        places.append(place)
    return places
