"""The settings that the form has: how each is written, read and compared (pure)."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from services.console.pages.configuration import label_displays

Kind = Literal["line", "text", "lines", "displays", "percent", "number", "whole", "check"]


@dataclass(frozen=True)
class Setting:
    """A setting: its place in the project's document, and how people read it."""

    path: tuple[str, ...]
    kind: Kind
    words: str
    hint: str = ""
    may_be_empty: bool = False

    @property
    def name(self) -> str:
        """The field's name in the form."""
        return ".".join(self.path)

    def shown(self, project: Mapping[str, Any]) -> str:
        """Return the setting's value as the form has it."""
        value: Any = project
        for key in self.path:
            value = value[key] if isinstance(value, Mapping) and key in value else None
        if value is None:
            return ""
        if self.kind == "lines":
            return "\n".join(value)
        if self.kind == "displays":
            return label_displays.text_of(value)
        if self.kind == "check":
            return "on" if value else ""
        if self.kind == "percent":
            return f"{100 * value:.10g}"
        return f"{value:.10g}" if isinstance(value, float) else str(value)

    def told(self, text: str) -> str:
        """Return such a value as people compare it."""
        return label_displays.in_words(text) if self.kind == "displays" else text

    def read(self, text: str) -> Any:
        """Return the value of what a person wrote.

        Raises `ValueError`: it is none; the message says of which setting.
        """
        text = text.replace("\r\n", "\n")
        if self.kind == "check":
            return text == "on"
        if self.kind == "lines":
            return [line.strip() for line in text.split("\n") if line.strip()]
        if self.kind in {"line", "text"}:
            return text
        if not text.strip() and self.may_be_empty:
            return None
        try:
            value = float(text.replace(",", ".").replace(" ", ""))
            whole = int(value)
        except (ValueError, OverflowError) as error:
            raise ValueError(f"{self.words}: {text[:40]!r} is no number.") from error
        if self.kind == "whole":
            if whole != value:
                raise ValueError(f"{self.words}: write a whole number.")
            return whole
        return round(value / 100, 12) if self.kind == "percent" else value


def _of(section: str, *settings: Setting) -> tuple[str, tuple[Setting, ...]]:
    return section, settings


SECTIONS = (
    _of(
        "The question",
        Setting(("title",), "line", "Title", "reviewers see it"),
        Setting(("labels",), "lines", "Labels", "one a line; another set ends the certificate"),
        Setting(("label_display",), "displays", "How reviewers see the labels"),
        Setting(("instructions",), "text", "Instructions", "Markdown; reviewers read them first"),
    ),
    _of(
        "The promise",
        Setting(("promise", "target_accuracy"), "percent", "Target accuracy", "percent"),
        Setting(("promise", "confidence"), "percent", "Confidence", "percent"),
        Setting(
            ("promise", "certification_labels"), "whole", "Labels of a certification", "each draw"
        ),
        Setting(("promise", "audit_rate"), "percent", "Audited answers", "percent of answers"),
        Setting(("promise", "expires_days"), "number", "Expires after", "days"),
        Setting(
            ("promise", "exploration_rate"), "percent", "Drawn at random all the same",
            "percent of a batch that a strategy chooses",
        ),
    ),
    _of(
        "Review",
        Setting(("review", "overlap"), "whole", "Answers that a task gets", "at least"),
        Setting(("review", "max_overlap"), "whole", "Answers at most", "where reviewers disagree"),
        Setting(("review", "gold_rate"), "percent", "Gold", "percent of tasks with a known label"),
        Setting(("review", "due_seconds"), "number", "Due after", "seconds"),
        Setting(("review", "blind"), "check", "Reviewers see no suggestion"),
        Setting(
            ("review", "match"), "lines", "Tags that reviewers need",
            "keys of an item's metadata, such as language; one a line",
        ),
    ),
    _of(
        "Training and capacity",
        Setting(
            ("training", "recipe"), "line", "Recipe",
            "how versions are trained; auto compares those that fit the fields",
        ),
        Setting(("training", "min_new_labels"), "whole", "New labels that start a run"),
        Setting(
            ("training", "every_hours"), "number", "Hours between scheduled runs",
            "a run needs one new label; empty: no schedule", may_be_empty=True,
        ),
        Setting(("labelling", "batch_size"), "whole", "Items of a batch that the trainer asks for"),
        Setting(
            ("labelling", "most_labels"), "whole", "Labels at most", "empty: no limit",
            may_be_empty=True,
        ),
        Setting(
            ("labelling", "reserve_rate"), "percent", "Set aside at import",
            "percent of items, to measure and certify: keep it once items were chosen",
        ),
        Setting(("labelling", "automatic"), "check", "The trainer asks for batches by itself"),
        Setting(
            ("capacity", "reviewer_hours_per_day"), "number", "Hours of reviewers a day",
            "empty: estimated", may_be_empty=True,
        ),
        Setting(
            ("capacity", "price_review"), "number", "Price of a review", "empty: none",
            may_be_empty=True,
        ),
        Setting(
            ("capacity", "price_error"), "number", "Price of an error", "empty: none",
            may_be_empty=True,
        ),
        Setting(("retention_days",), "number", "Decisions are kept", "days"),
        Setting(
            ("training", "gate", "margin"), "percent", "Accuracy that a new version may lose",
            "percent points; empty: half of the promised error", may_be_empty=True,
        ),
        Setting(
            ("training", "gate", "slices"), "lines", "Slices that must not become worse",
            "keys of an item's metadata; one a line",
        ),
        Setting(("training", "auto_promote"), "check", "A version that passes answers at once"),
        Setting(
            ("training", "gate", "rollback_on_alarm"), "check",
            "After an alarm of audits the previous version answers, if it is certified",
        ),
    ),
)  # fmt: skip
SETTINGS = tuple(setting for _, settings in SECTIONS for setting in settings)


@dataclass(frozen=True)
class Difference:
    """A setting as this person found it, as it is now, and as this person wants it."""

    words: str
    before: str
    now: str
    wanted: str

    @property
    def is_contested(self) -> bool:
        """Whether another person has changed it meanwhile, to something else."""
        return self.now not in (self.before, self.wanted)


def differences(
    before: Mapping[str, str], now: Mapping[str, Any], wanted: Mapping[str, str]
) -> list[Difference]:
    """Return the settings that this person or another has changed, in the form's order."""
    found = []
    for setting in SETTINGS:
        first, current = _plain(before.get(setting.name, "")), setting.shown(now)
        mine = _plain(wanted.get(setting.name, ""))
        if first not in (current, mine) or current != first:
            told = (setting.told(text) for text in (first, current, mine))
            found.append(Difference(setting.words, *told))
    return found


def patch_of(before: Mapping[str, str], wanted: Mapping[str, str]) -> dict[str, Any]:
    """Return the merge patch of the settings that this person has changed.

    Raises `ValueError`: one of them does not hold.
    """
    patch: dict[str, Any] = {}
    for setting in SETTINGS:
        text, first = (_plain(values.get(setting.name, "")) for values in (wanted, before))
        if text == first:
            continue
        place = patch
        for key in setting.path[:-1]:
            place = place.setdefault(key, {})
        if setting.kind == "displays":
            place[setting.path[-1]] = label_displays.patch_of(first, text)
        else:
            place[setting.path[-1]] = setting.read(text)
    return patch


def _plain(text: str) -> str:
    return text.replace("\r\n", "\n")
