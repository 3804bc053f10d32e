"""The images of one call: checked before anything is done, decoded once, and in a thread."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from shared.contracts.items import FieldError, is_stored_url
from shared.graphs.images import MAX_PIXELS, BadImage, Layout, Picture
from shared.problems import Unprocessable

# Decoding takes time by the pixel: a call may ask for so much of it.
MAX_CALL_PIXELS = 4 * MAX_PIXELS

Data = Mapping[str, Any]


# Where the value of a row's field stands in the call.
Place = Callable[[int, str], str]
Layouts = Mapping[str, Sequence[Layout]]


def _item_place(i: int, name: str) -> str:
    return f"/items/{i}/data/{name}"


async def scorable_data(
    rows: Sequence[Data],
    names: Sequence[str],
    layouts: Layouts,
    *,
    place: Place = _item_place,
    whole: str = "/items",
) -> list[Data]:
    """Return items' data that has passed `check_data`, its images as pictures.

    A stored image stays the URL that it is: it is not fetched, so its item cannot be scored.

    Parameters
    ----------
    names
        The image fields.
    layouts
        How the graph wants the pictures of a field; those of others are only checked.
    place, whole
        Where a value stands in the call, and where all of them do.

    Raises
    ------
    Unprocessable
        An image is not one, or too large, or the call has too many pixels.
    """
    if not names:
        return list(rows)
    return await asyncio.to_thread(_with_pictures, rows, names, layouts, place, whole)


def pictured(data: Data, names: Sequence[str]) -> Data:
    """Return the data of one item that passed `scorable_data`, its images as pictures again.

    They are decoded when they are scored: in a thread, then.
    """
    images = {name: data[name] for name in names if not is_stored_url(data[name])}
    return {**data, **{name: Picture(value) for name, value in images.items()}}


def _with_pictures(
    rows: Sequence[Data], names: Sequence[str], layouts: Layouts, place: Place, whole: str
) -> list[Data]:
    errors: list[FieldError] = []
    found = [
        {name: _open(row[name], place(i, name), errors) for name in names}
        for i, row in enumerate(rows)
    ]
    pictures = [one for fields in found for one in fields.values() if isinstance(one, Picture)]
    if not errors and sum(picture.pixels for picture in pictures) > MAX_CALL_PIXELS:
        errors.append((whole, f"have more than {MAX_CALL_PIXELS} pixels: send smaller calls"))
    if not errors:
        for i, fields in enumerate(found):
            for name, picture in fields.items():
                _decode(picture, layouts.get(name, ()), place(i, name), errors)
    if errors:
        raise Unprocessable(errors)
    return [{**row, **fields} for row, fields in zip(rows, found, strict=True)]


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
