"""Versions side by side (pure)."""

from collections.abc import Mapping, Sequence
from typing import Any

from services.console.web.promise_light import promise_light
from services.console.web.words import number, percent

METRICS = {
    "accuracy": ("accuracy", "of labels that it did not learn from"),
    "log_loss": ("log loss", "lower is better"),
    "brier": ("Brier score", "lower is better"),
    "ece": ("calibration error", "gap between confidence and accuracy"),
}
_STEPS = {
    "publication": "when it was trained",
    "certification": "when it was certified",
    "shadow": "in shadow",
}
_OUTCOMES = {"passed": "passed", "failed": "held back", "insufficient": "too few"}
_SHARES = {"accuracy", "ece"}


def version_rows(versions: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return what the table shows of each version."""
    champion = next((one["version"] for one in versions if "champion" in one["channels"]), None)
    return [
        {
            **one,
            "light": promise_light({"state": one["standing"], "valid_now": True}),
            "metrics": {
                key: metric(key, one["manifest"].get("metrics", {}).get(key)) for key in METRICS
            },
            "recipe": recipe_words(one["manifest"]),
            "gate": gate_words(one["gate"]),
            "approval": approval_of(one, champion),
        }
        for one in versions
    ]


def metric(name: str, value: float | None) -> str:
    """Return a metric of a version as the tables show it."""
    return percent(value, 1) if name in _SHARES else number(value, 3)


def gate_words(gate: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return what the page shows of each decision of the promotion gate."""
    return [
        {
            "step": _STEPS.get(step, step.replace("_", " ")),
            "passed": bool(said.get("promote")),
            "tests": [
                (_OUTCOMES.get(test["outcome"], test["outcome"]), test["outcome"], test["reason"])
                for test in said.get("tests", [])
            ],
            "reasons": [] if said.get("tests") else list(said.get("reasons", [])),
            "try_number": said.get("try_number"),
        }
        for step, said in gate.items()
        if isinstance(said, Mapping) and "promote" in said
    ]


def approval_of(version: Mapping[str, Any], champion: str | None) -> dict[str, Any] | None:
    """Return an operator's word on a version that passed; None where none was asked for."""
    found: dict[str, Any] | None = version["gate"].get("approval")
    if found is None:
        return None
    waits = found.get("state") in ("waiting", "in_shadow") and found.get("champion") == champion
    # A trainer of the release before says nothing of undecided stages.
    return {"undecided": False, **found, "waits": waits and not version["retired"]}


_EVENTS = {
    "judged": "judged by the gate",
    "approved": "approved",
    "rejected": "rejected",
    "promoted": "became champion",
    "rolled_back": "serves again",
    "canary": "answers a share of the traffic",
    "canary_ended": "ended its canary",
    "shadow": "scores in the shadow",
    "shadow_ended": "left the shadow",
    "shadow_stage": "began its shadow stage",
    "shadow_stage_ended": "ended its shadow stage",
    "retired": "was retired",
}


def event_rows(events: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return what the table shows of the history of promotions."""
    return [
        {
            **one,
            "what": _event_words(one),
            "passed": None if one["kind"] != "judged" else bool(_decision(one).get("promote")),
            "note": "; ".join(_decision(one).get("reasons") or [])
            if one["kind"] == "judged"
            else one.get("note"),
        }
        for one in events
    ]


# What the page calls the states of a comparison on live traffic, and the tone of each.
STAGE_STATES = {"passed": ("passed", "good"), "refused": ("held back", "bad")}


def _decision(event: Mapping[str, Any]) -> Mapping[str, Any]:
    return event.get("decision") or {}


def _event_words(event: Mapping[str, Any]) -> str:
    words = _EVENTS.get(event["kind"], event["kind"].replace("_", " "))
    share = _decision(event).get("share")
    if event["kind"] == "judged":
        return f"{words} {_STEPS.get(_decision(event).get('step', ''), '')}".rstrip()
    return words if share is None else f"{words} of {percent(share)}"


def recipe_words(manifest: Mapping[str, Any]) -> str | None:
    """Return the recipe, and which one it chose."""
    name, chosen = manifest.get("recipe"), (manifest.get("report") or {}).get("chosen")
    return f"{name}: {chosen}" if chosen else name
