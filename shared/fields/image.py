"""A PNG, JPEG or WebP image in base64, or the URL of a stored one."""

import base64
import binascii
import io
import re
from collections.abc import Mapping
from typing import Any, Literal
from urllib.parse import urlsplit

from shared.contracts.versions import ModelInput
from shared.fields.layouts import BadImage, layout_of
from shared.fields.pictures import Picture
from shared.fields.spec import Display, Encoding, FieldSpec, Unscorable, as_json, utf8

_SIDES = (8, 48)
_SNIFFED_CHARACTERS = 24  # of base64: 18 bytes
_MAGIC = (
    (re.compile(rb"\x89PNG\r\n\x1a\n"), "image/png"),
    (re.compile(rb"\xff\xd8\xff"), "image/jpeg"),
    (re.compile(rb"RIFF....WEBP", re.DOTALL), "image/webp"),
)
# A client may send the files themselves.
_FILES = (b"\x89PNG", b"\xff\xd8\xff", b"RIFF")


def is_stored_url(value: str) -> bool:
    """Say whether an image field names a stored image instead of holding one."""
    return value.startswith(("https://", "http://"))


def image_names(fields: Mapping[str, FieldSpec]) -> tuple[str, ...]:
    """Return the names of the fields whose values are decoded before they are scored."""
    return tuple(name for name, spec in fields.items() if isinstance(spec, ImageField))


class ImageField(FieldSpec):
    """An image; it alone feeds its input, whose shape says how it is laid out."""

    type: Literal["image"] = "image"

    def fault(self, value: Any) -> str | None:
        if not isinstance(value, str) or not value:
            return "must be a base64 string or a URL"
        if is_stored_url(value):
            return None
        try:
            base64.b64decode(value, validate=True)
        except (binascii.Error, ValueError):
            return "must be base64 or a URL"
        return None

    def encoding(self, kind: str, entry: ModelInput) -> Encoding | None:
        if kind not in {"float", "uint8"}:
            return None
        layout = layout_of(entry)

        def pixels(value: Any) -> Any:
            if isinstance(value, str):
                if is_stored_url(value):
                    # Fetching what a client names would open our network to them.
                    raise Unscorable("a stored image is not fetched")
                value = Picture(value)
            elif not isinstance(value, Picture):
                # An array that is laid out already, of a client that sends tensors.
                return value
            return value.array(layout)

        def encode(value: Any) -> Any:
            try:
                return pixels(value)
            except BadImage as error:
                raise Unscorable(str(error)) from error

        return Encoding(encode, width=layout.height * layout.width * layout.channels)

    def sent(self) -> Encoding:
        return Encoding(decode=_base64)

    def sample(self, chance: Any, *, whole: bool, longest: bool) -> str:
        from PIL import Image  # noqa: PLC0415 - the review queue reads this module without it

        height, width = chance.integers(*_SIDES, size=2)
        noise = chance.integers(0, 256, size=(height, width, 3), dtype="uint8")
        file = io.BytesIO()
        Image.fromarray(noise).save(file, "PNG")
        return base64.b64encode(file.getvalue()).decode()

    def display(self, value: Any, image_origins: frozenset[str]) -> Display:
        if not isinstance(value, str):
            return as_json(value)
        if is_stored_url(value):
            return Display("image" if _origin(value) in image_origins else "link", value)
        media_type = _media_type(value)
        if media_type is None:
            return Display("broken", "This is not a PNG, JPEG or WebP image.")
        return Display("image", f"data:{media_type};base64,{value}")


def _base64(value: str | bytes) -> str:
    if isinstance(value, bytes) and value.startswith(_FILES):
        return base64.b64encode(value).decode()
    return utf8(value)


def _origin(url: str) -> str | None:
    try:
        parts = urlsplit(url)
    except ValueError:
        return None
    return f"{parts.scheme}://{parts.netloc}".lower()


def _media_type(encoded: str) -> str | None:
    try:
        start = base64.b64decode(encoded[:_SNIFFED_CHARACTERS])
    except ValueError:
        # The field held something else when the task came in.
        return None
    return next((kind for magic, kind in _MAGIC if magic.match(start)), None)
