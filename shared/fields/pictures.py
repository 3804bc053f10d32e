"""Images of items, from their base64 to the pixels that a graph wants."""

import base64
from collections.abc import Iterable
from typing import Any

from shared.fields.layouts import MAX_BYTES, BadImage, Layout


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
        pillow = _pillow()
        with pillow.refusing():
            self._body = base64.b64decode(encoded, validate=True)
            width, height = pillow.opened(self._body).size
        self.pixels: int = width * height
        self.bytes = len(self._body)
        self.fault: str | None = None
        self._arrays: dict[Layout, Any] = {}

    def lay_out(self, layouts: Iterable[Layout]) -> None:
        """Decode it whole, once, and keep it in `layouts`; note the `fault` if that fails."""
        try:
            image = _pillow().decoded(self._body)
        except BadImage as error:
            self.fault = str(error)
        else:
            self._arrays = {layout: _pillow().laid_out(image, layout) for layout in layouts}

    def forget(self) -> None:
        """Keep the encoded image alone."""
        self._arrays = {}

    def array(self, layout: Layout) -> Any:
        """Return its pixels as `layout` wants them; raise `BadImage` when it cannot be decoded.

        What it was not laid out as is decoded now, and not kept.

        Returns
        -------
        uint8 or float32, as the layout says, of shape (channels, height, width) or (height, width,
        channels)
        """
        kept = self._arrays.get(layout)
        pillow = _pillow()
        return pillow.laid_out(pillow.decoded(self._body), layout) if kept is None else kept


def _pillow() -> Any:
    """Return the module that decodes: without images a process does not load Pillow."""
    from shared.fields import decoding  # noqa: PLC0415 - as said

    return decoding
