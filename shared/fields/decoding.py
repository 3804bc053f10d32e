"""Decoding of images with Pillow, under limits: no graph reads an encoded image.

An image is PNG, JPEG or WebP with one frame. Its header is checked before a pixel is decoded, so
that a few bytes cannot ask for much memory.
"""

import contextlib
import io
from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps, UnidentifiedImageError

from shared.fields.layouts import MAX_PIXELS, BadImage, Layout

_FORMATS = ("PNG", "JPEG", "WEBP")
_WHITE = np.float32(255)

# uint8 or float32, as the layout says.
PixelArray = NDArray[Any]


def opened(body: bytes) -> Image.Image:
    """Read the header; raise `BadImage`, or what Pillow raises."""
    image = Image.open(io.BytesIO(body), formats=_FORMATS)
    width, height = image.size
    if width * height > MAX_PIXELS:
        raise BadImage(f"must be an image of at most {MAX_PIXELS} pixels, is {width} x {height}")
    # A camera's JPEG may carry previews behind the picture (MPO); every viewer ignores them.
    if image.format != "MPO" and getattr(image, "is_animated", False):
        raise BadImage("must be an image of one frame")
    return image


def decoded(body: bytes) -> Image.Image:
    """Decode, upright: cameras write the pixels as the sensor lay, and note which way was up.

    Raises `BadImage`: it cannot be decoded.
    """
    with refusing():
        image = opened(body)
        image.load()
        ImageOps.exif_transpose(image, in_place=True)
        return image


def laid_out(image: Image.Image, layout: Layout) -> PixelArray:
    """Return the pixels as `layout` wants them: its sides, with its channels first or last."""
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
def refusing() -> Iterator[None]:
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
