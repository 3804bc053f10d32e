import base64
import re
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from services.console.web.item_fields import displays
from shared.fields.category import CategoryField
from shared.fields.image import ImageField
from shared.fields.json import JsonField
from shared.fields.number import NumberField
from shared.fields.spec import Display
from shared.fields.text import TextField
from shared.fields.vector import VectorField

JSON = st.recursive(
    st.none() | st.booleans() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=8,
)
SPECS = {
    "text": TextField(),
    "number": NumberField(),
    "category": CategoryField(values=["a"]),
    "image": ImageField(),
    "vector": VectorField(length=3),
    "json": JsonField(),
}
HERE = frozenset({"https://images.example"})


def one(kind: str, value: Any) -> Display:
    ((_, display),) = displays({"x": value}, {"x": SPECS[kind]}, HERE)
    return display


def encoded(content: bytes) -> str:
    return base64.b64encode(content).decode()


@given(st.dictionaries(st.sampled_from([*SPECS, "gone"]), JSON))
@example({"vector": [""]})
@example({"vector": [1.5, None]})
def test_whatever_a_task_holds_can_be_shown(data: dict[str, Any]) -> None:
    shown = dict(displays(data, SPECS, HERE))
    assert shown.keys() == data.keys()
    for display in shown.values():
        assert display.kind in {*SPECS, "link", "broken"}


@given(st.text())
def test_text_is_shown_as_it_is(text: str) -> None:
    assert one("text", text) == Display("text", text)


def test_fields_come_in_the_order_of_the_project_and_lost_ones_last() -> None:
    data = {"gone": 1, "number": 2, "text": "t"}
    assert [name for name, _ in displays(data, SPECS, HERE)] == ["text", "number", "gone"]


@pytest.mark.parametrize(
    ("content", "media_type"),
    [
        (b"\x89PNG\r\n\x1a\n....", "image/png"),
        (b"\xff\xd8\xff\xe0....", "image/jpeg"),
        (b"RIFF\x10\x00\x00\x00WEBPVP8 ", "image/webp"),
    ],
)
def test_images_are_known_by_their_first_bytes(content: bytes, media_type: str) -> None:
    display = one("image", encoded(content))
    assert display.kind == "image"
    assert display.value.startswith(f"data:{media_type};base64,")


@pytest.mark.parametrize("content", [b"<svg onload=alert(1)>", b"GIF89a", b"RIFF1234WAVE", b""])
def test_what_is_no_image_is_not_shown_as_one(content: bytes) -> None:
    assert one("image", encoded(content) or "?").kind == "broken"


@pytest.mark.parametrize(
    ("url", "kind"),
    [
        ("https://images.example/a.png", "image"),
        ("https://IMAGES.example/a.png", "image"),
        ("http://images.example/a.png", "link"),
        ("https://images.example.evil/a.png", "link"),
        ("https://images.example@evil/a.png", "link"),
        ("https://images.example:8443/a.png", "link"),
        ("https://[broken/a.png", "link"),
    ],
)
def test_stored_images_are_loaded_from_allowed_origins_alone(url: str, kind: str) -> None:
    assert one("image", url) == Display(kind, url)


def test_long_vectors_are_shortened_and_can_be_unfolded() -> None:
    display = one("vector", [0.5] * 9)
    assert display.value.endswith("… (9 numbers)")
    assert len(re.findall("0.5", display.whole)) == 9
    assert one("vector", [1, 2.5]).whole == ""
