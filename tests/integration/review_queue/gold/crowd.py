"""A project with gold whose chance is seeded, and simulated reviewers who work in it."""

import random
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from services.review_queue.app import webhook_sender
from services.review_queue.lifecycle.claims import ClaimService
from services.review_queue.lifecycle.draws import LeaseDraws
from services.review_queue.lifecycle.intake import IntakeService
from services.review_queue.lifecycle.moves import MoveService
from services.review_queue.links.signing import LinkSigner
from services.review_queue.projects.messages import ProjectStatement
from services.review_queue.projects.service import ProjectService
from services.review_queue.quality.gold.labels import GoldService
from services.review_queue.quality.reviewers.messages import ReviewerReport
from services.review_queue.quality.reviewers.service import ReviewerService
from services.review_queue.services import build_services
from services.review_queue.settings import ReviewQueueSettings
from shared.auth import Principal
from shared.contracts.tasks import Lease, LeaseRequest, SkipBody, VerdictBody
from shared.db import Database
from shared.doorbells import Doorbells
from shared.http.access import Services
from shared.store import Store
from tests.harness.clock import Clock
from tests.harness.databases import create_tables
from tests.harness.desk import PROJECT, Json, entry

LABELS = ["complaint", "praise", "question"]
# What somebody answers to a lease whose known label, if any, is this.
Answers = Callable[[Lease, str], str]


async def _here() -> bool:
    return False


@dataclass
class Crowd:
    """`truth` is the known label of each gold item; whatever else is leased is ordinary."""

    database: Database
    services: Services
    clock: Clock
    truth: dict[str, str] = field(default_factory=dict)
    project: str = "shop"

    async def put(self, **review: Any) -> None:
        spec = PROJECT | {"labels": LABELS, "review": review}
        await self.services[ProjectService].put(self.project, ProjectStatement.model_validate(spec))

    async def post(self, count: int, **parts: Any) -> None:
        entries = [entry(f"ordinary-{number}", **parts) for number in range(count)]
        await self.services[IntakeService].enqueue(self.project, entries, "op")

    async def add(self, said: str, count: int) -> None:
        """Add gold that the model was `right` or `wrong` about, or said nothing of (`none`)."""
        entries = []
        for number in range(count):
            label = LABELS[number % 3]
            item_id = f"{said}-{number}"
            predicted = {"right": label, "wrong": LABELS[(number + 1) % 3], "none": None}[said]
            self.truth[item_id] = label
            entries.append(gold_entry(item_id, label, predicted))
        receipts = (await self.services[GoldService].add(self.project, entries, "op")).items
        assert {receipt.status for receipt in receipts} == {"created"}

    async def lease(self, name: str, count: int = 1) -> list[Lease]:
        request = LeaseRequest(count=count)
        return (await self.services[ClaimService].lease(self.project, name, request, _here)).leases

    async def gold_of(self, name: str, count: int) -> list[Lease]:
        """Lease tasks and return the gold ones."""
        return [one for one in await self.lease(name, count) if one.task.item_id in self.truth]

    async def answer(self, name: str, lease: Lease, label: str) -> None:
        who = Principal(name, "reviewer", None, 2e9, "")
        await self.services[MoveService].submit(lease.token, VerdictBody(label=label), who)

    async def put_off(self, name: str, lease: Lease) -> None:
        who = Principal(name, "reviewer", None, 2e9, "")
        await self.services[MoveService].skip(lease.token, SkipBody(to="me"), who)

    async def work(self, name: str, lease: Lease, answers: Answers) -> bool:
        """Answer gold; leave an ordinary task. Say whether the answer was right."""
        truth = self.truth[lease.task.item_id]
        label = answers(lease, truth)
        await self.answer(name, lease, label)
        return label == truth

    async def report(self, name: str) -> ReviewerReport:
        return await self.services[ReviewerService].report(self.project, name)


def gold_entry(item_id: str, label: str, predicted: str | None) -> Json:
    prediction = None
    if predicted is not None:
        others = [other for other in LABELS if other != predicted]
        probabilities = {predicted: 0.6, others[0]: 0.3, others[1]: 0.1}
        prediction = {"label": predicted, "confidence": 0.6, "probabilities": probabilities}
    return {**entry(item_id), "label": label, "prediction": prediction}


def reviewer(accuracy: float, chance: random.Random) -> Answers:
    """One who is right so often, whatever is suggested to him."""

    def answers(_: Lease, truth: str) -> str:
        wrong = [label for label in LABELS if label != truth]
        return truth if chance.random() < accuracy else chance.choice(wrong)

    return answers


async def gather(url: str, folder: Path, clock: Clock, chance: random.Random) -> Crowd:
    """Make a database and its services; the caller disposes of the database."""
    await create_tables("review_queue", url)
    database = Database(url)
    services = build_services(
        database,
        Doorbells(""),
        Store(folder.as_uri()),
        webhook_sender(ReviewQueueSettings(), clock),
        LeaseDraws("secret", chance),
        LinkSigner(folder),
        now=clock,
        nudge=lambda: None,
        poll_seconds=0.01,
    )
    return Crowd(database, services, clock)
