"""How graphs want images, and how large an image may be: no Pillow, which decodes them."""

from dataclasses import dataclass

from shared.contracts.versions import ModelInput
from shared.fields.spec import KINDS

MAX_BYTES = 16 * 1024 * 1024
MAX_PIXELS = 2**25
_SCALED_BYTES = 4
_IMAGE_RANK = 4
_CHANNELS = (1, 3)
_LONGEST_SIDE = 2048


class BadImage(ValueError):  # noqa: N818 - named as the house names its problems
    """The bytes are no image that is decoded here; the message tells the client why."""


@dataclass(frozen=True)
class Layout:
    """What one input of a graph wants of an image.

    Attributes
    ----------
    height, width : pixels
    channels : 1 (grey) or 3 (red, green, blue)
    channels_first : whether the axis of the channels comes before height and width
    is_scaled : float32 from 0 to 1, normalised; else uint8 from 0 to 255
    mean, std : one a channel
        Subtracted after scaling, and divided by.
    """

    height: int
    width: int
    channels: int
    channels_first: bool
    is_scaled: bool
    mean: tuple[float, ...]
    std: tuple[float, ...]

    @property
    def bytes(self) -> int:
        """How many one image takes."""
        values = self.height * self.width * self.channels
        return values * _SCALED_BYTES if self.is_scaled else values


def layout_of(entry: ModelInput) -> Layout:
    """Return what an input wants of an image.

    Its channels are the axis after the items if that has 1 or 3 entries, else the last one.

    Raises `ValueError`: the input cannot be fed an image; the message says why.
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
