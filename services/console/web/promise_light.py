"""The state of a promise as a traffic light with words (pure)."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from services.console.web.words import NONE

Colour = Literal["good", "warn", "bad", "none"]
_LIGHTS: dict[str, tuple[Colour, str]] = {
    "certified": ("good", "Certified"),
    "warn": ("warn", "Certified, in doubt"),
    "recertifying": ("warn", "Certifying again"),
    "suspended": ("bad", "Suspended"),
    "expired": ("bad", "Expired"),
    "uncertified": ("none", "Not certified yet"),
}


@dataclass(frozen=True)
class Light:
    """Colour and words; the words alone say it too."""

    colour: Colour
    words: str


UNKNOWN = Light("none", NONE)
AWAY = Light("none", "not known: a service is away")


def promise_light(promise: Mapping[str, Any]) -> Light:
    """Return the light of what ``GET …/promise`` says.

    A promise that its routers would not keep, whatever its state, is not shown as good.
    """
    state = str(promise["state"])
    colour, words = _LIGHTS.get(state, ("none", state.replace("_", " ")))
    if colour in {"good", "warn"} and not promise["valid_now"]:
        return Light("bad", f"{words}, not in force")
    return Light(colour, words)
