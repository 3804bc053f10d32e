"""One encoder for each pair of a field's type and a tensor's type, in a table.

An encoder gives the values that one item adds to its row of a tensor.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from shared.contracts.items import is_stored_url
from shared.contracts.projects import FieldSpec
from shared.contracts.versions import ModelInput
from shared.graphs.images import BadImage, Layout, Picture

# What the manifest may call a tensor's type -> what ONNX calls it.
KINDS = {
    "string": "string",
    "float": "float",
    "float32": "float",
    "double": "double",
    "float64": "double",
    "int64": "int64",
    "uint8": "uint8",
}
_INT64 = np.iinfo(np.int64)
_IMAGE_RANK = 4
_CHANNELS = (1, 3)
_LONGEST_SIDE = 2048


class Unscorable(Exception):  # noqa: N818 - named as the house names its problems
    """The item is as the project says, but this graph cannot take it: it goes to people."""


@dataclass(frozen=True)
class Source:
    """One field, and the input that it feeds."""

    spec: FieldSpec
    entry: ModelInput


@dataclass(frozen=True)
class Encoder:
    """How one field's value enters a tensor.

    Attributes
    ----------
    encode : makes what the tensor takes of a value; None where that is the value itself.
    width : how many entries it makes, in a sequence; None for a single one, bare.
    """

    encode: Callable[[Any], Any] | None = None
    width: int | None = None


def _as_is(_: Source) -> Encoder:
    return Encoder()


def _whole_number(_: Source) -> Encoder:
    return Encoder(_whole)


def _vector(source: Source) -> Encoder:
    return Encoder(width=source.spec.length)


def _whole_vector(source: Source) -> Encoder:
    return Encoder(lambda value: [_whole(number) for number in value], source.spec.length)


def _index(source: Source) -> Encoder:
    position = {value: i for i, value in enumerate(source.spec.values or [])}
    return Encoder(position.__getitem__)


def _one_hot(source: Source) -> Encoder:
    position = {value: i for i, value in enumerate(source.spec.values or [])}
    columns = np.arange(len(position))
    return Encoder(lambda value: columns == position[value], len(position))


def _image(source: Source) -> Encoder:
    layout = image_layout(source.entry)
    width = layout.height * layout.width * layout.channels
    return Encoder(lambda value: _pixels(value, layout), width)


ENCODERS: dict[tuple[str, str], Callable[[Source], Encoder]] = {
    ("text", "string"): _as_is,
    ("category", "string"): _as_is,
    ("category", "int64"): _index,
    ("category", "float"): _one_hot,
    ("category", "double"): _one_hot,
    ("number", "float"): _as_is,
    ("number", "double"): _as_is,
    ("number", "int64"): _whole_number,
    ("vector", "float"): _vector,
    ("vector", "double"): _vector,
    ("vector", "int64"): _whole_vector,
    ("image", "float"): _image,
    ("image", "uint8"): _image,
}


def _whole(value: float) -> int:
    whole = int(value)
    if whole != value or not _INT64.min <= whole <= _INT64.max:
        raise Unscorable("a number is not whole, or too large for int64")
    return whole


def _pixels(value: str | Picture | npt.NDArray[Any], layout: Layout) -> npt.NDArray[Any]:
    if isinstance(value, np.ndarray):
        # Laid out already, by whoever sends tensors instead of items.
        return value
    if isinstance(value, str) and is_stored_url(value):
        # Fetching what a caller names would let him reach into our network.
        raise Unscorable("a stored image is not fetched")
    try:
        return (Picture(value) if isinstance(value, str) else value).array(layout)
    except BadImage as error:
        raise Unscorable(str(error)) from error


def image_layout(entry: ModelInput) -> Layout:
    """Return what an input wants of an image.

    Its channels are the axis after the items if that has 1 or 3 entries, else the last one.

    Raises
    ------
    ValueError
        The input cannot be fed an image; the message says why.
    """
    if len(entry.shape) != _IMAGE_RANK:
        raise ValueError(f"has shape {entry.shape}, not [-1, C, H, W] or [-1, H, W, C]")
    channels_first = entry.shape[1] in _CHANNELS
    if channels_first:
        _, channels, height, width = entry.shape
    else:
        _, height, width, channels = entry.shape
    if channels not in _CHANNELS:
        raise ValueError(f"has shape {entry.shape}: an image has 1 or 3 channels")
    if not (1 <= height <= _LONGEST_SIDE and 1 <= width <= _LONGEST_SIDE):
        raise ValueError(f"has shape {entry.shape}: sides are of 1 to {_LONGEST_SIDE} pixels")
    is_scaled = KINDS[entry.dtype] == "float"
    mean, std = _normalisation(entry, channels, is_scaled=is_scaled)
    return Layout(height, width, channels, channels_first, is_scaled, mean, std)


def _normalisation(
    entry: ModelInput, channels: int, *, is_scaled: bool
) -> tuple[tuple[float, ...], tuple[float, ...]]:
    given = entry.image
    if given is not None and not is_scaled:
        raise ValueError("is uint8: only float images are normalised")
    mean = (0.0,) * channels if given is None or given.mean is None else tuple(given.mean)
    std = (1.0,) * channels if given is None or given.std is None else tuple(given.std)
    if not len(mean) == len(std) == channels:
        raise ValueError(f"has {channels} channels: mean and std need one number for each")
    return mean, std
