from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.console.web.markup import instructions_html

ALLOWED = {
    *("h3", "h4", "h5", "h6", "p", "br", "hr", "ul", "ol", "li", "blockquote", "pre", "code"),
    *("em", "strong", "a", "table", "thead", "tbody", "tr", "th", "td"),
}
ATTRIBUTES = {"href", "title", "target", "rel", "start", "class"}


class Inventory(HTMLParser):
    """Notes every tag and attribute that a browser would see."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.attributes: dict[str, str] = {}

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes |= {name: value or "" for name, value in attrs}


def inventory(markdown: str) -> Inventory:
    found = Inventory()
    found.feed(instructions_html(markdown))
    return found


@given(st.text("<>\"'=/:()[]!#*`_-|\\&;\n javscriptonlmg1x", max_size=120))
def test_nothing_is_markup_but_what_markdown_makes(markdown: str) -> None:
    found = inventory(markdown)
    assert found.tags <= ALLOWED
    assert found.attributes.keys() <= ATTRIBUTES
    assert not found.attributes.get("href", "").lower().startswith(("javascript:", "data:"))


@pytest.mark.parametrize("scheme", ["javascript", "JaVaScRiPt", "vbscript", "data", "file"])
def test_links_that_do_things_are_text(scheme: str) -> None:
    assert "a" not in inventory(f"[x]({scheme}:alert(1)) <{scheme}:alert(1)>").tags


def test_headings_stand_below_those_of_the_page() -> None:
    assert instructions_html("# one").startswith("<h3>one</h3>")
    assert instructions_html("###### six").startswith("<h6>six</h6>")


def test_links_open_elsewhere_and_tell_nothing() -> None:
    found = inventory("[x](https://example.org)")
    assert found.attributes["rel"] == "noopener noreferrer"
    assert found.attributes["target"] == "_blank"


def test_tables_have_no_style_of_their_own() -> None:
    found = inventory("|a|b|\n|:-|-:|\n|1|2|")
    assert {"table", "th", "td"} <= found.tags
    assert "style" not in found.attributes
