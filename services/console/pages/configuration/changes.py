"""What a person has changed in the form, what others have, and what does not hold (pure)."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from services.console.pages.configuration import label_displays
from services.console.pages.configuration.fields import SETTINGS
from services.console.pages.configuration.setting import Setting


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


class SettingsError(ValueError):
    """Settings that do not hold: why not, by the settings' names."""

    def __init__(self, faults: Mapping[str, str]) -> None:
        words = {setting.name: setting.words for setting in SETTINGS}
        super().__init__("; ".join(f"{words[name]}: {why}" for name, why in faults.items()))
        self.faults = dict(faults)


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

    Raises `SettingsError`.
    """
    patch: dict[str, Any] = {}
    faults = {}
    for setting in SETTINGS:
        text, first = (_plain(values.get(setting.name, "")) for values in (wanted, before))
        if text == first:
            continue
        try:
            value = _value(setting, first, text, wanted)
        except ValueError as error:
            faults[setting.name] = str(error)
            continue
        place = patch
        for key in setting.path[:-1]:
            place = place.setdefault(key, {})
        place[setting.path[-1]] = value
    if faults:
        raise SettingsError(faults)
    return patch


def _value(setting: Setting, first: str, text: str, wanted: Mapping[str, str]) -> Any:
    for part in SETTINGS:
        is_part = part.kind == "part" and part.path == setting.path[:-1]
        if is_part and wanted.get(part.name) != "on":
            raise ValueError(f"has no effect without “{part.words}”")
    if setting.kind == "displays":
        return label_displays.patch_of(first, text)
    return setting.read(text)


def faults_at(errors: Iterable[Mapping[str, Any]]) -> dict[str, str]:
    """Return the faults of a refusal that are those of settings, by the settings' names."""
    faults: dict[str, str] = {}
    for error in errors:
        keys = str(error.get("pointer", "")).split("/")[1:]
        # The longest first: a part's members are settings of their own.
        for end in range(len(keys), 0, -1):
            name = ".".join(keys[:end])
            if any(setting.name == name for setting in SETTINGS):
                faults.setdefault(name, str(error.get("detail", "")))
                break
    return faults


def _plain(text: str) -> str:
    return text.replace("\r\n", "\n")
