"""The images of calls: their headers are checked first, then they are decoded batch by batch."""

from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, NamedTuple, TypeVar

from services.router.pictures.decoding import Decoder, PictureBatch
from shared.contracts.items import FieldError
from shared.fields.image import is_stored_url
from shared.fields.layouts import MAX_PIXELS, BadImage, Layout
from shared.fields.pictures import Picture
from shared.problems import Unprocessable

# Decoding takes time by the pixel: a call may ask for so much of it.
MAX_CALL_PIXELS = 4 * MAX_PIXELS
TOO_MANY_PIXELS = f"more than {MAX_CALL_PIXELS} pixels: send smaller calls"
# A batch ends before it takes more memory or time than this, some 40 ms: others wait for it.
_BATCH_BYTES = 16 * 1024 * 1024
_BATCH_COST = 2**22
_PICTURE_COST = 2**14
_BYTES_A_PIXEL = 3

Data = Mapping[str, Any]
Result = TypeVar("Result")

# Where the value of a row's field stands in the call.
Place = Callable[[int, str], str]
Layouts = Mapping[str, Sequence[Layout]]
# What is done with the rows of a batch, given with their positions.
Use = Callable[[Sequence[int], list[Data]], Awaitable[Sequence[Result]]]
# Raises `Overloaded` when what rows are for would keep them waiting too long.
Admit = Callable[[], None]


def _item_place(i: int, name: str) -> str:
    return f"/items/{i}/data/{name}"


class Fault(NamedTuple):
    """What is wrong with the image in a row's field."""

    row: int
    name: str
    detail: str


@dataclass(frozen=True)
class Pictures:
    """The images of all calls of one router."""

    decoder: Decoder

    async def open(
        self, rows: Sequence[Data], names: Sequence[str]
    ) -> tuple[list[Data], list[Fault]]:
        """Return items' data that has passed `check_data`, images as pictures, and the faults.

        Nothing is decoded yet. A stored image stays the URL that it is: it is not fetched, so its
        item cannot be scored. What is no image stays what it is, too.
        """
        if not names:
            return list(rows), []
        size = sum(len(row[name]) for row in rows for name in names)
        return await self.decoder.run_unqueued(size, partial(_opened, rows, names))

    async def admitted(
        self,
        rows: Sequence[Data],
        names: Sequence[str],
        *,
        place: Place = _item_place,
        whole: str = "/items",
    ) -> list[Data]:
        """Return what `open` does for a call that is taken or refused as a whole.

        Parameters
        ----------
        names
            The image fields.
        place, whole
            Where a value stands in the call, and where all of them do.

        Raises
        ------
        Overloaded
            Too much waits to be decoded.
        Unprocessable
            An image is not one, or too large, or the call has too many pixels.
        """
        self.decoder.check()
        opened, faults = await self.open(rows, names)
        errors: list[FieldError] = [(place(row, name), detail) for row, name, detail in faults]
        if not errors and sum(pixels_of(row, names) for row in opened) > MAX_CALL_PIXELS:
            errors.append((whole, f"have {TOO_MANY_PIXELS}"))
        if errors:
            raise Unprocessable(errors)
        return opened

    async def each(
        self,
        rows: Sequence[Data],
        names: Sequence[str],
        layouts: Layouts,
        use: Use[Result],
        *,
        admit: Admit | None = lambda: None,
    ) -> list[Result | None]:
        """Give opened rows to `use`, some at a time, their pictures laid out; return its results.

        One a row; None for a row with an image that cannot be decoded, which `use` never gets.

        Parameters
        ----------
        layouts
            How graphs want the pictures of a field; those of other fields are only checked.
        admit
            Asked before the first pictures are decoded and before they are used; None: never.

        Raises
        ------
        Overloaded
            Too much waits: nothing was used.
        """
        results: list[Result | None] = [None] * len(rows)
        for begin, end, batch in _batches(rows, names, layouts):
            if admit is not None and batch.pictures:
                # Nothing else runs until the batch waits in its place.
                self.decoder.check()
                admit()
            async with self.decoder.decoded(batch):
                at = [i for i in range(begin, end) if not faults_of(rows[i], i, names)]
                if at and admit is not None:
                    admit()
                    admit = None
                if at:
                    for i, one in zip(at, await use(at, [rows[i] for i in at]), strict=True):
                        results[i] = one
        return results


def check_decoded(
    rows: Sequence[Data], names: Sequence[str], *, place: Place = _item_place
) -> None:
    """Raise `Unprocessable` when an image of rows that were decoded could not be."""
    faults = [fault for i, row in enumerate(rows) for fault in faults_of(row, i, names)]
    if faults:
        raise Unprocessable([(place(row, name), detail) for row, name, detail in faults])


def faults_of(data: Data, row: int, names: Sequence[str]) -> list[Fault]:
    """Return the faults of the images of a row that was decoded."""
    return [
        Fault(row, name, picture.fault)
        for name, picture in _pictures(data, names)
        if picture.fault is not None
    ]


def pixels_of(data: Data, names: Sequence[str]) -> int:
    """Return how many pixels the images of an opened row have, as they were sent."""
    return sum(picture.pixels for _, picture in _pictures(data, names))


def _pictures(data: Data, names: Sequence[str]) -> Iterator[tuple[str, Picture]]:
    return ((name, data[name]) for name in names if isinstance(data[name], Picture))


def _opened(rows: Sequence[Data], names: Sequence[str]) -> tuple[list[Data], list[Fault]]:
    opened: list[Data] = []
    faults: list[Fault] = []
    for i, row in enumerate(rows):
        images: dict[str, Picture] = {}
        for name in names:
            try:
                if not is_stored_url(row[name]):
                    images[name] = Picture(row[name])
            except BadImage as error:
                faults.append(Fault(i, name, str(error)))
        opened.append({**row, **images})
    return opened, faults


def _batches(
    rows: Sequence[Data], names: Sequence[str], layouts: Layouts
) -> Iterator[tuple[int, int, PictureBatch]]:
    """Yield batches with the begin and the end of the rows that each is of."""
    wanted = {name: tuple(dict.fromkeys(layouts.get(name, ()))) for name in names}
    begin = cost = size = 0
    pictures: list[tuple[Picture, Sequence[Layout]]] = []
    for i, row in enumerate(rows):
        own = [(picture, wanted[name]) for name, picture in _pictures(row, names)]
        own_cost = sum(_cost(picture, laid_out) for picture, laid_out in own)
        own_size = sum(layout.bytes for _, laid_out in own for layout in laid_out)
        if i > begin and (cost + own_cost > _BATCH_COST or size + own_size > _BATCH_BYTES):
            yield begin, i, PictureBatch(pictures, cost, size)
            begin, cost, size, pictures = i, 0, 0, []
        pictures += own
        cost, size = cost + own_cost, size + own_size
    yield begin, len(rows), PictureBatch(pictures, cost, size)


def _cost(picture: Picture, layouts: Sequence[Layout]) -> int:
    """Return what decoding takes, in pixels.

    A flat PNG's pixel took 9 ns, a noisy one's 20, with its three bytes; JPEG and WebP lie around
    that. Each byte that a picture is laid out as took 3 ns; opening it and all else some 100 µs.
    """
    laid_out = sum(layout.bytes for layout in layouts)
    return _PICTURE_COST + picture.pixels + (picture.bytes + laid_out) // _BYTES_A_PIXEL
