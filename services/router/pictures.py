"""The images of one call: checked before anything is done, decoded once, and in a thread."""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

from services.router.incoming import Asked
from services.router.versions.registry import View
from shared.contracts.items import FieldError, is_stored_url
from shared.graphs.images import MAX_PIXELS, BadImage, Layout, Picture
from shared.problems import Unprocessable

# Decoding takes time by the pixel: a call may ask for so much of it.
MAX_CALL_PIXELS = 4 * MAX_PIXELS

Data = Mapping[str, Any]


async def scorable_data(items: Sequence[Asked], view: View) -> list[Data]:
    """Return the data of items that have passed `check_items`, their images as pictures.

    A stored image stays the URL that it is: it is not fetched, so its item cannot be scored.

    Raises
    ------
    Unprocessable
        An image is not one, or too large, or the call has too many pixels.
    """
    names = view.documents.image_fields
    if not names:
        return [item.data for item in items]
    layouts = view.serving.layouts if view.serving is not None else {}
    return await asyncio.to_thread(_with_pictures, items, names, layouts)


def _with_pictures(
    items: Sequence[Asked], names: Sequence[str], layouts: Mapping[str, Sequence[Layout]]
) -> list[Data]:
    errors: list[FieldError] = []
    found = [
        {name: _open(item.data[name], f"/items/{i}/data/{name}", errors) for name in names}
        for i, item in enumerate(items)
    ]
    pictures = [one for fields in found for one in fields.values() if isinstance(one, Picture)]
    if not errors and sum(picture.pixels for picture in pictures) > MAX_CALL_PIXELS:
        errors.append(("/items", f"have more than {MAX_CALL_PIXELS} pixels: send smaller calls"))
    if not errors:
        for i, fields in enumerate(found):
            for name, picture in fields.items():
                _decode(picture, layouts.get(name, ()), f"/items/{i}/data/{name}", errors)
    if errors:
        raise Unprocessable(errors)
    return [{**item.data, **fields} for item, fields in zip(items, found, strict=True)]


def _open(value: str, pointer: str, errors: list[FieldError]) -> str | Picture:
    if is_stored_url(value):
        return value
    try:
        return Picture(value)
    except BadImage as error:
        errors.append((pointer, str(error)))
        return value


def _decode(
    picture: str | Picture, layouts: Sequence[Layout], pointer: str, errors: list[FieldError]
) -> None:
    if isinstance(picture, str):
        return
    try:
        for layout in layouts:
            picture.array(layout)
        if not layouts:
            picture.check()
    except BadImage as error:
        errors.append((pointer, str(error)))
