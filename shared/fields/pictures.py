"""Images of items, decoded with Pillow under limits: no graph reads an encoded image.

An image is PNG, JPEG or WebP with one frame. Its header is checked before a pixel is decoded, so
that a few bytes cannot ask for much memory.
"""

import base64
import contextlib
import io
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps, UnidentifiedImageError

from shared.contracts.versions import ModelInput
from shared.fields.spec import KINDS

MAX_BYTES = 16 * 1024 * 1024
MAX_PIXELS = 2**25
_FORMATS = ("PNG", "JPEG", "WEBP")
_WHITE = np.float32(255)
_SCALED_BYTES = 4
_IMAGE_RANK = 4
_CHANNELS = (1, 3)
_LONGEST_SIDE = 2048

# uint8 or float32, as the layout says.
PixelArray = NDArray[Any]


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


class Picture:
    """One encoded image whose header holds.

    `lay_out` decodes it and keeps its pixels, which are large; `forget` drops them.

    Attributes
    ----------
    pixels, bytes : what it has when it is decoded, and what its file takes.
    fault : why it cannot be decoded, once that has been tried; None before, and when it can.
    """

    def __init__(self, encoded: str) -> None:
        """Read the header of base64 `encoded`; raise `BadImage` when it does not hold."""
        if len(encoded) > MAX_BYTES * 4 // 3 + 4:
            raise BadImage(f"must be an image of at most {MAX_BYTES} bytes")
        with _refusing():
            self._body = base64.b64decode(encoded, validate=True)
            width, height = _open(self._body).size
        self.pixels = width * height
        self.bytes = len(self._body)
        self.fault: str | None = None
        self._arrays: dict[Layout, PixelArray] = {}

    def lay_out(self, layouts: Iterable[Layout]) -> None:
        """Decode it whole, once, and keep it in `layouts`; note the `fault` if that fails."""
        try:
            image = _decode(self._body)
        except BadImage as error:
            self.fault = str(error)
        else:
            self._arrays = {layout: _laid_out(image, layout) for layout in layouts}

    def forget(self) -> None:
        """Keep the encoded image alone."""
        self._arrays = {}

    def array(self, layout: Layout) -> PixelArray:
        """Return its pixels as `layout` wants them; raise `BadImage` when it cannot be decoded.

        What it was not laid out as is decoded now, and not kept.

        Returns
        -------
        shape (channels, height, width) or (height, width, channels)
        """
        kept = self._arrays.get(layout)
        return _laid_out(_decode(self._body), layout) if kept is None else kept


def _open(body: bytes) -> Image.Image:
    image = Image.open(io.BytesIO(body), formats=_FORMATS)
    width, height = image.size
    if width * height > MAX_PIXELS:
        raise BadImage(f"must be an image of at most {MAX_PIXELS} pixels, is {width} x {height}")
    # A camera's JPEG may carry previews behind the picture (MPO); every viewer ignores them.
    if image.format != "MPO" and getattr(image, "is_animated", False):
        raise BadImage("must be an image of one frame")
    return image


def _decode(body: bytes) -> Image.Image:
    """Decode, upright: cameras write the pixels as the sensor lay, and note which way was up."""
    with _refusing():
        image = _open(body)
        image.load()
        ImageOps.exif_transpose(image, in_place=True)
        return image


def _laid_out(image: Image.Image, layout: Layout) -> PixelArray:
    size = (layout.width, layout.height)
    mode = "L" if layout.channels == 1 else "RGB"
    plain = _eight_bits(image)
    # Pillow would copy what is in the mode already, and it may be large.
    resized = (plain if plain.mode == mode else plain.convert(mode)).resize(
        size, Image.Resampling.BILINEAR
    )
    pixels: PixelArray = np.asarray(resized).reshape(layout.height, layout.width, layout.channels)
    if layout.is_scaled:
        mean, std = (np.array(one, dtype=np.float32) for one in (layout.mean, layout.std))
        # In place: each further array is as large again.
        pixels = pixels / _WHITE
        pixels -= mean
        pixels /= std
    return np.ascontiguousarray(pixels.transpose(2, 0, 1)) if layout.channels_first else pixels


def _eight_bits(image: Image.Image) -> Image.Image:
    if image.mode.startswith("I;16"):
        # Pillow would cut 16 bits of grey off at 255 instead of scaling them.
        return Image.fromarray((np.asarray(image) >> 8).astype(np.uint8))
    # A palette's transparency is dropped with a warning unless it is made a channel first.
    return image.convert("RGBA") if "transparency" in image.info else image


@contextlib.contextmanager
def _refusing() -> Iterator[None]:
    """Turn all that the decoders raise into a `BadImage`."""
    try:
        yield
    except BadImage:
        raise
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise BadImage(f"must be an image of at most {MAX_PIXELS} pixels") from error
    except UnidentifiedImageError as error:
        raise BadImage("must be a PNG, JPEG or WebP image") from error
    except Exception as error:
        # On hostile bytes Pillow raises nearly anything: OSError, SyntaxError, zlib.error …
        raise BadImage(f"cannot be decoded as an image: {type(error).__name__}") from error
