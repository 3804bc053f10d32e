"""Images for tests, encoded as callers send them, and files that mean harm."""

import base64
import io
import struct
import zlib
from typing import Any

import numpy as np
from PIL import Image


def base64_of(body: bytes) -> str:
    """`body` as an image field takes it."""
    return base64.b64encode(body).decode()


def file_of(image: Image.Image, kind: str = "PNG", **options: Any) -> bytes:
    """`image` as a file."""
    file = io.BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


def encoded(
    size: tuple[int, int] = (8, 6),
    colour: tuple[int, int, int] = (10, 20, 30),
    kind: str = "PNG",
    **options: Any,
) -> str:
    """An image of one colour, `size` wide and high."""
    return base64_of(file_of(Image.new("RGB", size, colour), kind, **options))


def noise(side: int, seed: int = 0) -> Image.Image:
    """An image that no encoder makes small."""
    pixels = np.random.default_rng(seed).integers(0, 256, (side, side, 3), dtype=np.uint8)
    return Image.fromarray(pixels)


def png_of_size(width: int, height: int) -> bytes:
    """A PNG whose header claims a size, with a few bytes of pixels."""

    def chunk(name: bytes, body: bytes) -> bytes:
        checksum = zlib.crc32(name + body)
        return struct.pack(">I", len(body)) + name + body + struct.pack(">I", checksum)

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    parts = [chunk(b"IHDR", header), chunk(b"IDAT", zlib.compress(b"\0" * 64)), chunk(b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts)


def animated(kind: str) -> bytes:
    """Two frames in one file."""
    frames = [noise(16, seed) for seed in (1, 2)]
    return file_of(frames[0], kind, save_all=True, append_images=frames[1:], duration=100)
