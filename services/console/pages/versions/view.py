"""Versions side by side (pure)."""

from collections.abc import Mapping, Sequence
from typing import Any

from services.console.web.promise_light import promise_light
from services.console.web.words import number, percent, plain

METRICS = {
    "accuracy": ("accuracy", "of labels that it did not learn from"),
    "log_loss": ("log loss", "lower is better"),
    "brier": ("Brier score", "lower is better"),
    "ece": ("calibration error", "gap between confidence and accuracy"),
}
_STEPS = {
    "publication": "when it was trained",
    "certification": "when it was certified",
}
_SHARES = {"accuracy", "ece"}


def version_rows(versions: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return what the table shows of each version."""
    return [
        {
            "version": one["version"],
            "light": promise_light({"state": one["standing"], "valid_now": True}),
            "channels": one["channels"],
            "retired": one["retired"],
            "threshold": number(one["threshold"], 3),
            "metrics": {
                key: _metric(key, one["manifest"].get("metrics", {}).get(key)) for key in METRICS
            },
            "created_at": one["manifest"].get("created_at"),
            "recipe": recipe_words(one["manifest"]),
            "parent": one["manifest"].get("parent"),
            "labels": plain(one["manifest"].get("labels")),
            "gate": gate_words(one["gate"]),
            **report_words(one["manifest"].get("report")),
        }
        for one in versions
    ]


def _metric(name: str, value: float | None) -> str:
    return percent(value, 1) if name in _SHARES else number(value, 3)


def gate_words(gate: Mapping[str, Any]) -> list[tuple[str, bool, list[str]]]:
    """Return (step, whether it passed, reasons) of each decision of the promotion gate."""
    return [
        (
            _STEPS.get(step, step.replace("_", " ")),
            bool(said.get("promote")),
            list(said.get("reasons", [])),
        )
        for step, said in gate.items()
        if isinstance(said, Mapping) and "promote" in said
    ]


def recipe_words(manifest: Mapping[str, Any]) -> str | None:
    """Return the recipe, and which one it chose."""
    name, chosen = manifest.get("recipe"), (manifest.get("report") or {}).get("chosen")
    return f"{name}: {chosen}" if chosen else name


def report_words(report: Any) -> dict[str, Any]:
    """Return what the recipe told of the training: the recipes compared, and sentences."""
    told = report if isinstance(report, Mapping) else {}
    candidates = [
        {
            "recipe": one.get("recipe"),
            "chosen": one.get("recipe") == told.get("chosen"),
            "coverage": percent(one.get("coverage"), 1),
            "accuracy": percent(one.get("accuracy"), 1),
            "seconds": number(one.get("seconds"), 1),
            "detail": one.get("detail"),
        }
        for one in told.get("candidates") or []
        if isinstance(one, Mapping)
    ]
    return {
        "candidates": candidates,
        "notes": [*(told.get("reasons") or []), *(told.get("notes") or [])],
    }


def run_rows(runs: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return what the table shows of each training run."""
    return [
        {**one, "under_way": one["state"] in {"queued", "running"}, "log": one.get("log") or ""}
        for one in runs
    ]
