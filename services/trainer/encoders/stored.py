"""A project's encoder in the store: one document, and the graph that it names."""

import asyncio
from datetime import timedelta
from typing import Annotated, Literal

from pydantic import Field

from services.trainer.resources import Resources
from shared.contracts.base import Message, UtcTime, at_most, read_stored
from shared.contracts.versions import ModelInput
from shared.problems import Conflict
from shared.store import Replaced, encoder_folder, encoder_model_path, encoder_path, sha256

LONGEST_FILE_NAME = 200
# An upload of the same graph may be under way, and writes the graph before the document.
_KEPT = timedelta(hours=1)


class EncoderManifest(Message):
    """The part `manifest` of ``PUT …/encoder``: what the graph takes in and gives out."""

    inputs: list[ModelInput] = Field(min_length=1, max_length=1000)
    outputs: Annotated[dict[Literal["vector"], str], *at_most(1)] = Field(min_length=1)


class Encoder(EncoderManifest):
    """``encoder.json``, written after the graph that it names, and the view of it.

    `file_name` is what the file was called where it came from; `width` is the length of a vector,
    `size_bytes` that of the file.
    """

    sha256: str
    file_name: str | None = Field(default=None, max_length=LONGEST_FILE_NAME)
    width: int
    size_bytes: int
    uploaded_at: UtcTime
    uploaded_by: str


async def current(resources: Resources, project: str) -> Encoder | None:
    """Return the project's encoder, None where it has none."""
    return (await current_tagged(resources, project))[0]


async def current_tagged(resources: Resources, project: str) -> tuple[Encoder | None, str | None]:
    """Return the project's encoder, and the tag by which `put` knows it; None for none."""
    body, tag = await resources.store.read_tagged(encoder_path(project))
    return None if body is None else read_stored(Encoder, body), tag


async def graph_of(resources: Resources, project: str, encoder: Encoder) -> bytes | None:
    """Return the encoder's file; None where it is not there, or is another one."""
    body = await resources.store.read(encoder_model_path(project, encoder.sha256))
    if body is None or await asyncio.to_thread(sha256, body) != encoder.sha256:
        return None
    return body


async def put(
    resources: Resources, project: str, encoder: Encoder, model: bytes, tag: str | None
) -> None:
    """Write graph and document, then remove the graphs of earlier uploads.

    Raises `Conflict`: the project has another encoder by now than `current_tagged` found.
    """
    await resources.store.write(encoder_model_path(project, encoder.sha256), model)
    document = encoder.model_dump_json().encode()
    try:
        await resources.store.replace(encoder_path(project), document, tag)
    except Replaced as error:
        raise Conflict("The encoder was changed meanwhile: see GET …/encoder.") from error
    written = await resources.store.modified(encoder_folder(project))
    newest = max(written.values())
    for path, at in written.items():
        if newest - at > _KEPT and path != encoder_model_path(project, encoder.sha256):
            await resources.store.delete(path)


async def remove(resources: Resources, project: str) -> None:
    """Remove document and graphs, if any."""
    await resources.store.delete(encoder_path(project))
    for path in await resources.store.modified(encoder_folder(project)):
        await resources.store.delete(path)
