"""Labelling configurations: which question a project's labels answer, and of which data."""

import contextlib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.router.protocols.label_studio.labeling import (
    Binding,
    as_result,
    bind,
    label_of,
    parse_config,
)

LABELS = ["negative", "positive"]
CONFIG = """<View>
  <Header value="How is it?"/>
  <Text name="review" value="$text"/>
  <Choices name="mood" toName="review" choice="single">
    <Choice value="positive"/><Choice value="negative"/><Choice value="unclear"/>
  </Choices>
</View>"""


def bound(config: str = CONFIG, *fields: str) -> Binding:
    return bind(parse_config(config), LABELS, fields or ("text",))


def test_the_question_is_the_one_that_has_the_labels_among_its_choices() -> None:
    other = (
        '<Choices name="topic" toName="review"><Choice value="price"/></Choices>'
        '<Choices name="many" toName="review" choice="multiple">'
        '<Choice value="positive"/><Choice value="negative"/></Choices>'
    )
    binding = bound(CONFIG.replace("<Choices", other + "<Choices", 1))
    assert (binding.question.name, binding.to_name) == ("mood", "review")
    assert binding.item_data({"text": "good", "other": 1}) == {"text": "good"}
    assert binding.item_data({}) == {}


def test_an_alias_stands_for_the_choice() -> None:
    config = CONFIG.replace('value="positive"', 'value="It is fine" alias="positive"')
    assert bound(config).question.options[0] == "positive"


@pytest.mark.parametrize(
    ("variable", "name", "fields", "sources"),
    [
        ("text", "review", ("text",), {"text": "text"}),
        ("body", "text", ("text",), {"text": "body"}),
        ("body", "review", ("text",), {"text": "body"}),
        ("body", "review", ("text", "price"), {"text": "text", "price": "price"}),
        ("text", "price", ("text", "price"), {"text": "text", "price": "text"}),
    ],
)
def test_a_field_is_its_variable_its_tag_or_what_is_left(
    variable: str, name: str, fields: tuple[str, ...], sources: dict[str, str]
) -> None:
    config = CONFIG.replace("$text", f"${variable}").replace('"review"', f'"{name}"')
    assert bound(config, *fields).sources == sources


@pytest.mark.parametrize(
    "change",
    [
        ('value="positive"', 'value="good"'),
        ('choice="single"', 'choice="multiple"'),
        ("$text", "text"),
        ("Choices", "Labels"),
    ],
)
def test_a_configuration_without_such_a_question_is_refused(change: tuple[str, str]) -> None:
    with pytest.raises(ValueError, match="negative, positive"):
        bound(CONFIG.replace(*change))


BOMB = """<!DOCTYPE v [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]><View>&b;</View>"""
OUTSIDE = '<!DOCTYPE v [<!ENTITY f SYSTEM "file:///etc/hostname">]><View><Text name="&f;"/></View>'


@pytest.mark.parametrize(
    "text",
    [BOMB, OUTSIDE, "<!DOCTYPE View><View/>", "", "<View>", "no xml", "<View/>" * 2, "\ud800",
     "<View>" + " " * 1024 * 1024 + "</View>"],
)  # fmt: skip
def test_what_is_no_plain_xml_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="must"):
        parse_config(text)


@given(st.text(alphabet='<>/"=&;! ViewChoics\x00aé'))
def test_no_text_breaks_the_reader(text: str) -> None:
    with contextlib.suppress(ValueError):
        assert parse_config(text).choices is not None


@pytest.mark.parametrize(
    ("results", "label"),
    [
        ([], None),
        ([as_result("positive", bound())], "positive"),
        ([{"from_name": "topic", "type": "choices", "value": {"choices": ["price"]}}], None),
        ([{"from_name": "mood", "type": "choices", "value": {"choices": []}}], None),
        ([{"from_name": "mood", "type": "choices"}], None),
        ([{"from_name": "mood", "type": "choices", "value": 1}], None),
        ([{}], None),
    ],
)
def test_the_label_is_the_answer_to_the_question(results: list[Any], label: str | None) -> None:
    assert label_of(results, bound()) == label


@pytest.mark.parametrize("choices", [["positive", "negative"], [1]])
def test_an_answer_that_is_not_one_choice_is_refused(choices: list[Any]) -> None:
    result = {"from_name": "mood", "type": "choices", "value": {"choices": choices}}
    with pytest.raises(ValueError, match="one choice"):
        label_of([result], bound())
