"""One rule for every POST that creates something: the same key and request, the same resource.

The key is recorded in the transaction that creates: a request that is repeated after a crash, or
while the first is under way, finds what was created, or creates it.
"""

import hashlib
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Annotated, Self

from fastapi import Header

from services.trainer.idempotency import repository
from services.trainer.tables import IdempotencyRecord
from shared.contracts.base import Message
from shared.db import Session
from shared.problems import Conflict

KEPT = timedelta(days=30)
"""How long a key is kept: as long as a job."""

IdempotencyKey = Annotated[
    str | None,
    Header(
        min_length=1,
        max_length=200,
        description="Chosen by the client: a request that is repeated with it acts once.",
    ),
]


class KeyReused(Conflict):
    """An idempotency key names one request."""

    kind, title = "idempotency-key-reused", "Idempotency key was used for another request"
    advice = "Send another Idempotency-Key with another request."


@dataclass(frozen=True)
class KeyedRequest:
    """A request of `kind`, and the `key` that its client chose, if any.

    `digest` is the SHA-256 of what it asks for.
    """

    kind: str
    key: str | None
    digest: str

    @classmethod
    def of(cls, kind: str, key: str | None, body: Message) -> Self:
        """Return the request with a body of JSON."""
        return cls(kind, key, hashlib.sha256(body.model_dump_json().encode()).hexdigest())

    async def created(self, session: Session, project: str, now: datetime) -> str | None:
        """Return the id of what the request has created before; None once its key is too old.

        Ask again in the transaction that creates, with the project's lock. Raises `KeyReused`.
        """
        found = None
        if self.key is not None:
            found = await repository.find(session, project, self.key, now - KEPT)
        if found is None:
            return None
        if (found.kind, found.digest) != (self.kind, self.digest):
            raise KeyReused
        return found.resource_id

    async def record(self, session: Session, project: str, resource_id: str, now: datetime) -> None:
        """Record what the request has created."""
        if self.key is None:
            return
        await repository.forget_before(session, project, now - KEPT)
        record = IdempotencyRecord(
            project=project,
            idempotency_key=self.key,
            kind=self.kind,
            digest=self.digest,
            resource_id=resource_id,
            created_at=now,
        )
        session.add(record)
