"""Templates."""

from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

from fastapi.responses import HTMLResponse
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from services.console.web import words
from services.console.web.security import guarded
from shared.contracts.base import utc_now

FOLDER = Path(__file__).parents[1]

_TEMPLATES = Environment(
    loader=FileSystemLoader(FOLDER / "templates"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
_TEMPLATES.filters |= {
    "percent": words.percent,
    "number": words.number,
    "significant": words.significant,
    "duration": words.duration,
    "age": words.age,
    "at": words.at,
    "plain": words.plain,
    "count": words.count,
    "segment": lambda text: quote(str(text), safe=""),
}


def query(**given: Any) -> str:
    """Return a query string of what is not empty, with its question mark."""
    kept = {key: value for key, value in given.items() if value not in (None, "")}
    return f"?{urlencode(kept)}" if kept else ""


_TEMPLATES.globals |= {"query": query, "between": words.between}


def rendered(
    template: str, *, status: int = 200, now: datetime | None = None, **context: Any
) -> HTMLResponse:
    """Return a page, or a part of one, with the headers of a page."""
    text = _TEMPLATES.get_template(template).render(now=now or utc_now(), **context)
    return guarded(HTMLResponse(text, status))
