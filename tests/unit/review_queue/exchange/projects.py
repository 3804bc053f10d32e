"""Projects, records and files of them."""

import io
from datetime import UTC, datetime
from typing import Any

from hypothesis import strategies as st

from services.review_queue.exchange.formats import FORMATS, Format
from services.review_queue.exchange.records import Row
from shared.contracts.projects import Project

MOMENT = datetime(2026, 11, 24, 6, 0, 0, 123456, tzinfo=UTC)
TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), max_size=12)


def project_of(**fields: Any) -> Project:
    """A project with these fields."""
    return Project.model_validate(
        {
            "project": "shop",
            "labels": ["negative", "positive"],
            "fields": fields or {"text": {"type": "text"}},
            "metadata": ["channel"],
            "revision": 1,
            "created_at": MOMENT,
            "updated_at": MOMENT,
        }
    )


def record(*, item_id: str = "a", comment: str | None = None, **parts: Any) -> dict[str, Any]:
    """A record as an export has it before it is written."""
    verdict = {
        "reviewer": "r1",
        "label": "negative",
        "skipped": False,
        "comment": comment,
        "active_seconds": 1.5,
        "blind": True,
        "instructions_revision": 2,
        "given_at": MOMENT,
    }
    return {
        "item_id": item_id,
        "data": {"text": "fine"},
        "metadata": {},
        "lane": "mandatory",
        "due_at": None,
        "prediction": None,
        "task_id": "5b1f9f0e-7c0d-5d55-9d6c-0f0a6a1b6c11",
        "state": "resolved",
        "adjudication": False,
        "label": "negative",
        "source": "human",
        "revision": 1,
        "created_at": MOMENT,
        "resolved_at": MOMENT,
        "verdicts": [verdict],
    } | parts


def documents_of(kind: Format, content: bytes, project: Project) -> list[Row]:
    """All rows of a file."""
    return list(FORMATS[kind].read(io.BufferedReader(io.BytesIO(content)), project))
