"""A project's webhooks as it states them: checked, and kept with how each fares."""

import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from pathlib import Path
from urllib.parse import urlsplit

import httpx

from services.review_queue.lifecycle.outcomes import repository as outcomes
from services.review_queue.lifecycle.outcomes.service import place_within
from services.review_queue.projects.service import Registration
from services.review_queue.tables.webhooks import WebhookRow
from services.review_queue.webhooks import repository
from services.review_queue.webhooks.addresses import is_public, literal_address
from services.review_queue.webhooks.announcing import announce, read_documents
from services.review_queue.webhooks.changes import TrainerDocuments
from services.review_queue.webhooks.signing import parse_secrets
from shared.contracts.projects import Webhook
from shared.db import Session
from shared.problems import Unprocessable
from shared.settings import PREFIX, named_value
from shared.store import Store

# Fixed for ever: a receiver keeps its id, whichever replica writes it down.
_NAMESPACE = uuid.UUID("3f0f1c5e-52b7-5c0c-8d5e-0b7c4f5e9a10")
_SHARED_SECRETS = "SUREHAND_REVIEW_QUEUE_WEBHOOK_SHARED_SECRETS"


def secret_prefix(project: str) -> str:
    """Return what the names of a project's secrets begin with: ``shop__eu_`` for ``shop-eu``.

    A hyphen becomes two underscores, and one ends the project: the first run of an odd number of
    underscores. So no name is of two projects.
    """
    return project.replace("-", "__") + "_"


def is_secret_of(project: str, reference: str) -> bool:
    """Say whether a `secret_ref` names a secret of the project.

    No project may name Surehand's own settings.
    """
    name, prefix = reference.lower(), secret_prefix(project)
    is_own = name.startswith(prefix) and name[len(prefix) : len(prefix) + 1] not in ("", "_")
    return is_own and not name.startswith(PREFIX.lower())


@dataclass(frozen=True)
class WebhookRules:
    """Which addresses and secrets this replica accepts, and where it finds the secrets."""

    secrets_folder: Path
    allow_private: bool
    shared_secrets: frozenset[str] = frozenset()

    def keys(self, project: str, reference: str) -> tuple[bytes, ...]:
        """Return the keys of a project's `secret_ref`; `ValueError` says why there are none.

        Of a name that is not the project's it does not tell whether there is such a secret.
        """
        if reference not in self.shared_secrets and not is_secret_of(project, reference):
            raise ValueError(
                f"must begin with {secret_prefix(project).upper()} and a letter or digit, in upper "
                f"or lower case, or be a name that {_SHARED_SECRETS} lists"
            )
        text = named_value(reference, self.secrets_folder)
        if text is None:
            raise ValueError("names neither a file among the secrets nor a variable here")
        return parse_secrets(text)

    def check(self, project: str, webhooks: Sequence[Webhook]) -> None:
        """Raise `Unprocessable` unless all can be sent to, as far as can be told beforehand."""
        if faults := list(self._faults(project, webhooks)):
            raise Unprocessable(faults)

    def _faults(self, project: str, webhooks: Sequence[Webhook]) -> Iterator[tuple[str, str]]:
        for index, webhook in enumerate(webhooks):
            pointer = f"/webhooks/{index}"
            if fault := self._fault_of(webhook.url):
                yield f"{pointer}/url", fault
            try:
                self.keys(project, webhook.secret_ref)
            except ValueError as error:
                yield f"{pointer}/secret_ref", str(error)

    def _fault_of(self, url: str) -> str | None:
        try:
            httpx.URL(url)
        except httpx.InvalidURL:
            return "must be a URL that can be sent to"
        if self.allow_private:
            return None
        parts = urlsplit(url)
        if parts.scheme != "https":
            return "must be an https URL"
        address = literal_address(parts.hostname or "")
        return None if address is None or is_public(address) else "must not be a private address"


async def prepare_webhooks(
    rules: WebhookRules, store: Store, project: str, webhooks: Sequence[Webhook]
) -> Registration:
    """Check the webhooks; return what registers them in the project's transaction.

    A new webhook gets what is committed from now on, and what the trainer publishes after its
    documents were read here. A webhook that is left out is forgotten, with its deliveries; one
    that stays keeps its place and its state.

    Raises `Unprocessable` (a webhook breaks the rules).
    """
    rules.check(project, webhooks)
    documents = await read_documents(store, project) if webhooks else None
    return partial(_register, project, webhooks, documents)


async def _register(
    project: str,
    webhooks: Sequence[Webhook],
    documents: TrainerDocuments | None,
    session: Session,
    now: datetime,
) -> None:
    known = await repository.of_project(session, project, lock=True)
    if not known:
        await repository.forget_announced(session, project)
    if webhooks and documents is not None:
        await announce(session, project, list(known.values()), documents, now)
    new = [webhook for webhook in webhooks if webhook.url not in known]
    position = 0
    if new:
        # All that is committed has its place first: what has none yet came after the webhook.
        await place_within(session)
        position = await outcomes.FEED.last(session, project)
    for webhook in webhooks:
        row = known.pop(webhook.url, None) or _new_row(project, webhook, position, now)
        row.secret_ref = webhook.secret_ref
        row.events = None if webhook.events is None else list(webhook.events)
        session.add(row)
    for row in known.values():
        await repository.remove(session, row)


def _new_row(project: str, webhook: Webhook, position: int, now: datetime) -> WebhookRow:
    return WebhookRow(
        webhook_id=str(uuid.uuid5(_NAMESPACE, f"{project}/{webhook.url}")),
        project=project,
        url=webhook.url,
        secret_ref=webhook.secret_ref,
        position=position,
        created_at=now,
    )
