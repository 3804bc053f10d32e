"""Events as CloudEvents 1.0 in structured JSON mode (pure).

https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/spec.md
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import orjson

from services.review_queue.tables import FIRST_EPOCH
from shared.contracts.base import rfc3339
from shared.contracts.projects import WebhookEvent
from shared.contracts.tasks import Outcome

MEDIA_TYPE = "application/cloudevents+json"


@dataclass(frozen=True)
class Event:
    """Something that happened in a project; `event_id` is the same however often it is sent."""

    event_id: str
    kind: str
    project: str
    at: datetime
    data: dict[str, Any]
    subject: str | None = None

    def body(self) -> bytes:
        """Return the CloudEvent."""
        document: dict[str, Any] = {
            "specversion": "1.0",
            "id": self.event_id,
            "source": f"urn:surehand:project:{self.project}",
            "type": self.kind,
            "time": rfc3339(self.at),
            "datacontenttype": "application/json",
            "data": self.data,
        }
        if self.subject is not None:
            document["subject"] = self.subject
        return orjson.dumps(document)

    def stored(self) -> dict[str, Any]:
        """Return, as JSON, what `from_stored` needs beside the id and the project."""
        return {
            "kind": self.kind,
            "at": rfc3339(self.at),
            "data": self.data,
            "subject": self.subject,
        }

    @classmethod
    def from_stored(cls, event_id: str, project: str, stored: dict[str, Any]) -> "Event":
        """Return the event that `stored` was made of."""
        at = datetime.fromisoformat(stored["at"])
        return cls(**{**stored, "event_id": event_id, "project": project, "at": at})


def outcome_kind(revision: int) -> WebhookEvent:
    """Return the type of an outcome's event: all revisions but the first correct an earlier one."""
    return "outcome.resolved" if revision == 1 else "outcome.corrected"


def outcome_event(project: str, outcome: Outcome, epoch: int) -> Event:
    """Return the event of an outcome's revision; it is about the item.

    After a restore a revision may come again with another label: `epoch`, that of the feed in
    which it was given, tells the two apart.
    """
    name = f"{outcome.task_id}-{outcome.revision}"
    return Event(
        event_id=name if epoch == FIRST_EPOCH else f"{name}-{epoch}",
        kind=outcome_kind(outcome.revision),
        project=project,
        at=outcome.resolved_at,
        data=outcome.model_dump(mode="json"),
        subject=outcome.item_id,
    )
