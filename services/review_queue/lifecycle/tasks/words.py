"""What a line of a timeline says, in words (pure)."""

from collections.abc import Callable, Mapping
from typing import Any

Detail = Mapping[str, Any]


def words_of(kind: str, actor: str | None, detail: Detail) -> str:
    """Return one sentence without a full stop.

    Examples
    --------
    >>> words_of("verdict", "anna", {"label": "negative"})
    'anna answered negative'
    >>> words_of("moved", None, {"from": "optional", "to": "mandatory"})
    'moved from lane optional to mandatory'
    """
    say = _WORDS.get(kind)
    # A later release may know more kinds.
    return kind if say is None else say(actor or "the service", detail)


def _verdict(who: str, detail: Detail) -> str:
    by = detail.get("recorded_by")
    return f"{who} answered {detail.get('label')}" + (f", as recorded by {by}" if by else "")


def _skipped(who: str, detail: Detail) -> str:
    to = {"me": " for later", "adjudicator": " to an adjudicator"}.get(str(detail.get("to")), "")
    return f"{who} skipped it{to}{_because(detail.get('reason'))}"


def _resolved(_: str, detail: Detail) -> str:
    label = detail.get("label")
    return "closed without a label" if label is None else f"resolved as {label}"


def _reopened(who: str, detail: Detail) -> str:
    why = ", to ask a second reviewer" if detail.get("second_opinion") else ""
    return f"{who} opened it again{why}"


def _undone(who: str, detail: Detail) -> str:
    if "reviewer" in detail:
        return f"the answer {detail.get('label')} of {detail['reviewer']} no longer counts"
    return f"{who} took the answer back"


def _because(reason: Any) -> str:
    return f": {reason}" if reason else ""


_WORDS: dict[str, Callable[[str, Detail], str]] = {
    "created": lambda who, detail: f"{who} added it in lane {detail.get('lane')}",
    "moved": lambda _, detail: (
        f"moved from lane {detail.get('from')} to {detail.get('to')}{_because(detail.get('cause'))}"
    ),
    "asked": lambda who, detail: f"{who} asked for it again in lane {detail.get('lane')}",
    "leased": lambda who, _: f"{who} took it",
    "released": lambda who, _: f"{who} gave it back",
    "expired": lambda who, _: f"the lease of {who} expired",
    "superseded": lambda who, _: f"the lease of {who} was ended by another decision",
    "verdict": _verdict,
    "skipped": _skipped,
    "resolved": _resolved,
    "reopened": _reopened,
    "undone": _undone,
    "disputed": lambda _, __: "reviewers disagree: it waits for an adjudicator",
    "adjudicated": lambda who, detail: (
        f"{who} decided on {detail.get('label')}{_because(detail.get('comment'))}"
    ),
    "label_mapped": lambda _, detail: f"{detail.get('from')} is now called {detail.get('to')}",
    "erased": lambda who, _: f"{who} erased the item",
}
