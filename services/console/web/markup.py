"""Instructions as HTML: Markdown in which nothing is markup but what Markdown itself makes."""

from collections.abc import Sequence

from markdown_it import MarkdownIt
from markdown_it.token import Token
from markupsafe import Markup

# The page's own headings come first; h6 is the deepest there is.
_HEADINGS_ABOVE, _DEEPEST = 2, 6

_MARKDOWN = MarkdownIt("commonmark", {"html": False}).enable("table").disable("image")


def instructions_html(markdown: str) -> Markup:
    """Return the instructions as HTML; HTML in them stays text, and images are left out."""
    tokens = _MARKDOWN.parse(markdown)
    _adapt(tokens)
    return Markup(_MARKDOWN.renderer.render(tokens, _MARKDOWN.options, {}))  # noqa: S704


def _adapt(tokens: Sequence[Token]) -> None:
    for token in tokens:
        # The alignment of a table's column; the page's policy allows no style in markup.
        token.attrs.pop("style", None)
        if token.type in {"heading_open", "heading_close"}:
            token.tag = f"h{min(int(token.tag[1:]) + _HEADINGS_ABOVE, _DEEPEST)}"
        elif token.type == "link_open":
            token.attrs |= {"target": "_blank", "rel": "noopener noreferrer"}
        if token.children:
            _adapt(token.children)
