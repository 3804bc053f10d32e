"""Images: decoded under limits, upright and in the graph's layout; hostile files are refused."""

import base64
import io
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from shared.fields.layouts import MAX_BYTES, MAX_PIXELS, BadImage, Layout
from shared.fields.pictures import Picture
from tests.pictures import animated, base64_of, encoded, file_of, noise, png_of_size

RAW = Layout(4, 5, 3, False, False, (), ())
KINDS = ["PNG", "JPEG", "WEBP"]


def pixels(body: bytes, layout: Layout = RAW) -> Any:
    return Picture(base64_of(body)).array(layout)


def refusal(body: bytes) -> str:
    with pytest.raises(BadImage) as caught:
        pixels(body)
    return str(caught.value)


@pytest.mark.parametrize("kind", KINDS)
def test_each_format_is_decoded_and_resized(kind: str) -> None:
    made = pixels(file_of(Image.new("RGB", (40, 30), (200, 100, 50)), kind))
    assert (made.shape, made.dtype) == ((4, 5, 3), np.uint8)
    np.testing.assert_allclose(made[0, 0], [200, 100, 50], atol=3)


@pytest.mark.parametrize(
    ("mode", "colour", "expected"),
    [
        ("1", 1, [255, 255, 255]),
        ("L", 7, [7, 7, 7]),
        ("LA", (7, 0), [7, 7, 7]),
        ("I;16", 7 * 256, [7, 7, 7]),
        ("P", 0, [0, 0, 0]),
        ("RGBA", (1, 2, 3, 0), [1, 2, 3]),
    ],
)
def test_each_way_to_keep_pixels_becomes_red_green_blue(
    mode: str, colour: Any, expected: list[int]
) -> None:
    made = pixels(file_of(Image.new(mode, (6, 6), colour)))
    assert made[0, 0].tolist() == expected


def test_a_palette_with_transparency_and_cmyk_are_decoded() -> None:
    palette = Image.new("P", (6, 6))
    assert pixels(file_of(palette, transparency=b"\x00\x10")).shape == (4, 5, 3)
    assert pixels(file_of(Image.new("CMYK", (6, 6)), "JPEG"))[0, 0].tolist() == [255, 255, 255]


def test_one_channel_is_grey_and_channels_may_come_first() -> None:
    body = file_of(noise(9))
    grey = pixels(body, replace(RAW, channels=1))
    assert grey.shape == (4, 5, 1)
    first = pixels(body, replace(RAW, channels_first=True))
    assert first.flags.c_contiguous
    assert (first.transpose(1, 2, 0) == pixels(body)).all()


def test_a_scaled_layout_is_float32_from_0_to_1_and_normalised() -> None:
    body = file_of(Image.new("RGB", (5, 4), (255, 0, 51)))
    plain = replace(RAW, is_scaled=True, mean=(0.0, 0.0, 0.0), std=(1.0, 1.0, 1.0))
    made = pixels(body, plain)
    assert made.dtype == np.float32
    np.testing.assert_allclose(made[0, 0], [1.0, 0.0, 0.2], rtol=1e-6)
    made = pixels(body, replace(plain, mean=(0.5, 0.5, 0.2), std=(0.5, 0.25, 1.0)))
    np.testing.assert_allclose(made[0, 0], [1.0, -2.0, 0.0], atol=1e-6)


def test_an_image_of_the_right_size_is_not_touched() -> None:
    source = noise(12)
    made = pixels(file_of(source), replace(RAW, height=12, width=12))
    assert (made == np.asarray(source)).all()


def test_a_camera_on_its_side_is_turned_upright() -> None:
    source = Image.new("RGB", (4, 2))
    source.putpixel((0, 0), (255, 255, 255))
    exif = Image.Exif()
    exif[0x0112] = 6  # a quarter turn clockwise brings it upright
    made = pixels(file_of(source, exif=exif), replace(RAW, height=4, width=2))
    assert made[0, 1].tolist() == [255, 255, 255]
    assert made.sum() == 3 * 255


def test_the_previews_of_a_cameras_file_are_ignored() -> None:
    first, second = Image.new("RGB", (32, 32), (90, 90, 90)), Image.new("RGB", (8, 8))
    body = file_of(first, "MPO", save_all=True, append_images=[second])
    np.testing.assert_allclose(pixels(body)[0, 0], [90, 90, 90], atol=2)


def test_what_is_laid_out_is_kept_until_it_is_forgotten() -> None:
    picture, grey = Picture(encoded()), replace(RAW, channels=1)
    assert picture.pixels == 48
    assert picture.array(RAW) is not picture.array(RAW)
    picture.lay_out([RAW, grey])
    assert picture.fault is None
    for layout in (RAW, grey):
        kept = picture.array(layout)
        assert kept is picture.array(layout)
        assert kept.nbytes == layout.bytes
    picture.forget()
    assert picture.array(RAW) is not picture.array(RAW)
    scaled = replace(RAW, is_scaled=True, mean=(0.0, 0.0, 0.0), std=(1.0, 1.0, 1.0))
    assert picture.array(scaled).nbytes == scaled.bytes


@pytest.mark.parametrize("kind", KINDS)
def test_a_truncated_file_is_refused(kind: str) -> None:
    body = file_of(noise(64), kind)
    for kept in (len(body) // 2, len(body) * 9 // 10):
        assert "decoded" in refusal(body[:kept]) or "WebP image" in refusal(body[:kept])


HOSTILE = {
    "empty": (b"", "PNG, JPEG or WebP"),
    "text": (b"hello", "PNG, JPEG or WebP"),
    "beginning": (b"\x89PNG\r\n\x1a\n", "PNG, JPEG or WebP"),
    "svg": (b'<svg xmlns="http://www.w3.org/2000/svg" width="9"/>', "PNG, JPEG or WebP"),
    "gif": (file_of(noise(8), "GIF"), "PNG, JPEG or WebP"),
    "bmp": (file_of(noise(8), "BMP"), "PNG, JPEG or WebP"),
    "tiff": (file_of(noise(8), "TIFF"), "PNG, JPEG or WebP"),
    "animated webp": (animated("WEBP"), "one frame"),
    "animated png": (animated("PNG"), "one frame"),
    "bomb": (png_of_size(50_000, 50_000), f"{MAX_PIXELS} pixels"),
    "lesser bomb": (png_of_size(10_000, 10_000), f"{MAX_PIXELS} pixels"),
    "slightly large": (png_of_size(6_000, 6_000), f"{MAX_PIXELS} pixels, is 6000 x 6000"),
    "long line": (png_of_size(2**31, 1), "pixels"),
    "no width": (png_of_size(0, 5), "PNG, JPEG or WebP"),
    "no pixels": (png_of_size(100, 100), "decoded"),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_what_is_no_plain_image_is_refused(name: str) -> None:
    body, why = HOSTILE[name]
    assert why in refusal(body)


def test_a_header_alone_shows_that_an_image_is_too_large() -> None:
    with pytest.raises(BadImage, match="pixels"):
        Picture(base64_of(png_of_size(50_000, 50_000)))


def test_too_many_bytes_are_refused_unread() -> None:
    with pytest.raises(BadImage, match=f"at most {MAX_BYTES} bytes"):
        Picture("!" * (MAX_BYTES * 4 // 3 + 5))


def test_what_is_not_base64_is_refused() -> None:
    with pytest.raises(BadImage):
        Picture("not base64")


VALID = [file_of(noise(24), kind) for kind in KINDS]


@given(st.sampled_from(range(len(VALID))), st.data())
def test_a_damaged_file_is_an_image_or_a_refusal(which: int, data: st.DataObject) -> None:
    body = VALID[which]
    damaged = bytearray(body)
    for _ in range(data.draw(st.integers(1, 8))):
        at = data.draw(st.integers(0, len(body) - 1))
        damaged[at] = data.draw(st.integers(0, 255))
    try:
        made = pixels(bytes(damaged))
    except BadImage:
        return
    assert (made.shape, made.dtype) == ((4, 5, 3), np.uint8)


def test_an_image_is_checked_whole_without_a_layout() -> None:
    whole = Picture(encoded(kind="JPEG"))
    whole.lay_out([])
    assert whole.fault is None
    body = file_of(noise(64), "PNG")
    broken = Picture(base64.b64encode(body[: len(body) // 2]).decode())
    broken.lay_out([])
    assert "decoded" in (broken.fault or "")


def test_pillow_agrees_on_what_was_encoded() -> None:
    body = file_of(noise(16), "WEBP", lossless=True)
    own = np.asarray(Image.open(io.BytesIO(body)).convert("RGB"))
    assert (pixels(body, replace(RAW, height=16, width=16)) == own).all()
