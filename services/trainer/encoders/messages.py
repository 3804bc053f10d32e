"""The manifest of an upload, the stored document and the view of an encoder."""

from typing import Annotated, Literal

from pydantic import Field

from shared.contracts.base import Message, UtcTime, at_most
from shared.contracts.versions import ModelInput

LONGEST_FILE_NAME = 200


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
