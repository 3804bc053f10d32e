"""What the protocol's metadata routes answer."""

from typing import Any, Literal

from shared.contracts.base import Message


class ServerMetadata(Message):
    """The answer of ``GET /v2``."""

    name: str
    version: str
    extensions: list[str]


class TensorMetadata(Message):
    """A tensor that a model takes or gives; -1 stands for any number."""

    name: str
    datatype: str
    shape: list[int]


class ModelMetadata(Message):
    """The answer of ``GET /v2/models/{project}``: `versions` are those in memory."""

    name: str
    versions: list[str]
    platform: str
    inputs: list[TensorMetadata]
    outputs: list[TensorMetadata]


class ModelState(Message):
    """One version in the repository's index; `reason` is empty where nothing is amiss."""

    name: str
    version: str
    state: Literal["READY", "LOADING", "UNAVAILABLE"]
    reason: str


class OutputTensor(TensorMetadata):
    """An output: its values, row by row, or in `binary_data_size` how many bytes they take."""

    data: list[Any] | None = None
    parameters: dict[str, Any] | None = None


class InferenceResponse(Message):
    """The answer of infer; the bytes of binary outputs follow this JSON, in their order."""

    model_name: str
    model_version: str
    id: str | None = None
    outputs: list[OutputTensor]
