"""A labelling configuration of Label Studio: which question it asks, and of which data (pure)."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from xml.parsers import expat

_LONGEST = 1024 * 1024


@dataclass(slots=True)
class Choices:
    """One question: a tag ``Choices``. `options` are what an annotation can hold."""

    name: str
    to_names: list[str]
    options: list[str] = field(default_factory=list)
    multiple: bool = False


class LabelingConfig:
    """What is asked, and what is shown: questions, and object tags by name with their variables."""

    def __init__(self) -> None:
        self.choices: list[Choices] = []
        self.variables: dict[str, str] = {}
        self._open: Choices | None = None

    def refuse_doctype(self, *_: Any) -> None:
        """Refuse what entities could be declared in."""
        raise ValueError("must not declare a document type")

    def begin(self, tag: str, attributes: dict[str, str]) -> None:
        """Take an opening tag."""
        name, value = attributes.get("name", ""), attributes.get("value", "")
        if tag == "Choices":
            to_names = [part.strip() for part in attributes.get("toName", "").split(",")]
            multiple = attributes.get("choice") == "multiple"
            self._open = Choices(name, to_names, multiple=multiple)
            self.choices.append(self._open)
        elif tag == "Choice" and self._open is not None:
            self._open.options.append(attributes.get("alias") or value)
        elif name and value.startswith("$") and "toName" not in attributes:
            self.variables[name] = value[1:]

    def end(self, tag: str) -> None:
        """Take a closing tag."""
        if tag == "Choices":
            self._open = None


@dataclass(frozen=True, slots=True)
class Binding:
    """How a project and a configuration belong together.

    `sources` says for each field of the project which variable of a task's data it is.
    """

    question: Choices
    to_name: str
    sources: Mapping[str, str]

    def item_data(self, task_data: Mapping[str, Any]) -> dict[str, Any]:
        """Return the fields that `task_data` has values for."""
        return {
            field: task_data[variable]
            for field, variable in self.sources.items()
            if variable in task_data
        }


def parse_config(text: str) -> LabelingConfig:
    """Read a configuration.

    Raises `ValueError`: it is too long, no well-formed XML, or declares a document type (and with
    it entities).
    """
    if len(text) > _LONGEST:
        raise ValueError(f"must have at most {_LONGEST} characters")
    config = LabelingConfig()
    parser = expat.ParserCreate()
    parser.StartDoctypeDeclHandler = config.refuse_doctype
    parser.StartElementHandler = config.begin
    parser.EndElementHandler = config.end
    try:
        parser.Parse(text, True)
    except (expat.ExpatError, UnicodeEncodeError) as error:
        raise ValueError(f"must be XML: {error}") from error
    return config


def bind(config: LabelingConfig, labels: Sequence[str], fields: Collection[str]) -> Binding:
    """Find the question that the project's labels answer, and the data of its fields.

    Raises `ValueError`: no single-choice question about an object has all labels among its choices.
    """
    for question in config.choices:
        shown = next((name for name in question.to_names if name in config.variables), None)
        if shown is not None and not question.multiple and set(labels) <= set(question.options):
            return Binding(question, shown, _sources(config.variables, shown, fields))
    raise ValueError(
        "must have single-choice <Choices> toName an object with a $variable, "
        f"and among them {', '.join(labels)}"
    )


def _sources(variables: Mapping[str, str], shown: str, fields: Collection[str]) -> dict[str, str]:
    """Name each field's variable: its own name, else its tag's, else the one that is left."""
    named = set(variables.values())
    sources = {field: field if field in named else variables.get(field, field) for field in fields}
    unnamed = [field for field, variable in sources.items() if variable not in named]
    if len(unnamed) == 1 and variables[shown] not in sources.values():
        sources[unnamed[0]] = variables[shown]
    return sources


def label_of(results: Sequence[Mapping[str, Any]], binding: Binding) -> str | None:
    """Return the label that an annotation gives as its answer; None when it gives none.

    Raises `ValueError`: it gives several.
    """
    for result in results:
        if result.get("from_name") == binding.question.name and result.get("type") == "choices":
            value = result.get("value")
            chosen = value.get("choices") if isinstance(value, dict) else None
            if not isinstance(chosen, list) or not chosen:
                continue
            if len(chosen) > 1 or not isinstance(chosen[0], str):
                raise ValueError("must be one choice")
            return chosen[0]
    return None


def as_result(label: str, binding: Binding) -> dict[str, Any]:
    """Return `label` as Label Studio writes an answer."""
    return {
        "from_name": binding.question.name,
        "to_name": binding.to_name,
        "type": "choices",
        "value": {"choices": [label]},
    }
