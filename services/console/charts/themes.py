"""Colours and type of all charts, light and dark: a configuration of Vega-Lite each (pure)."""

from typing import Any

FONT = 'Inter, system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", sans-serif'


def _theme(
    *, ink: str, paper: str, soft: str, line: str, accent: str, target: str, palette: list[str]
) -> dict[str, Any]:
    return {
        "background": "transparent",
        "font": FONT,
        "view": {"stroke": None},
        "axis": _axis(soft, line),
        "legend": {
            "labelColor": ink,
            "titleColor": soft,
            "labelFontSize": 12,
            "orient": "bottom",
            "title": None,
            "columns": 3,
            "symbolType": "square",
        },
        "text": {"color": ink, "fontSize": 12},
        "bar": {"color": accent},
        "line": {"color": accent, "strokeWidth": 2.5},
        "point": {"color": accent, "filled": True, "size": 45},
        "area": {"color": accent, "opacity": 0.18},
        "rule": {"color": soft},
        "range": {"category": palette},
        # By `color`: what Vega-Lite takes for a mark wins over `fill` and `stroke` of a style.
        "style": {
            "target": {"color": target, "strokeDash": [6, 4], "strokeWidth": 1.5},
            "target-words": {"color": target, "fontSize": 12},
            "threshold": {"color": ink, "strokeDash": [2, 3], "strokeWidth": 1.5},
            "threshold-words": {"color": ink, "fontSize": 12},
            "interval": {"color": accent, "strokeWidth": 1.5},
            "shade": {"color": accent},
            "cell-words": {"color": ink, "fontSize": 12},
            "strong-cell-words": {"color": paper, "fontSize": 12},
            "ideal": {"color": soft, "strokeDash": [2, 3]},
        },
    }


def _axis(soft: str, line: str) -> dict[str, Any]:
    return {
        "labelColor": soft,
        "titleColor": soft,
        "domainColor": line,
        "tickColor": line,
        "gridColor": line,
        "gridOpacity": 0.6,
        "labelFontSize": 12,
        "titleFontSize": 12,
        "titleFontWeight": "normal",
        "titlePadding": 8,
    }


THEMES = {
    "light": _theme(
        ink="#1d2321",
        paper="#ffffff",
        soft="#59615d",
        line="#d9dad4",
        accent="#1f6f5c",
        target="#a3271f",
        palette=["#1f6f5c", "#d8942f", "#4f6fb5", "#a3271f", "#8a63a8", "#6f7a75", "#b9c6c0"],
    ),
    "dark": _theme(
        ink="#e9ece9",
        paper="#0d1f1a",
        soft="#a9b2ad",
        line="#39423e",
        accent="#7fd1ba",
        target="#ffb0a8",
        palette=["#7fd1ba", "#e8b568", "#9ec1ff", "#ff9c92", "#c9a6e4", "#a9b2ad", "#5b6761"],
    ),
}
