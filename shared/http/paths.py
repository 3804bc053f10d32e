"""Path parameters that may be any text, percent-encoded."""

from starlette.convertors import PathConvertor, register_url_convertor


class _AnyText(PathConvertor):
    # Starlette's own stops at a line's end, so that no route would say what is wrong with it.
    regex = r"(?s:.*)"


register_url_convertor("text", _AnyText())

ITEM_ID = "{item_id:text}"
