"""The use cases of this service, wired once."""

from collections.abc import Callable
from datetime import datetime
from functools import partial

from services.review_queue.activity.service import ActivityService
from services.review_queue.changes.service import ChangeService
from services.review_queue.desk.service import ProgressService, StandingService
from services.review_queue.erasure.service import ErasureService, ProjectErasure
from services.review_queue.exchange.exporting import ExportService
from services.review_queue.exchange.importing import ImportService
from services.review_queue.feedback.service import FeedbackService
from services.review_queue.lifecycle.batches import BatchScheduler
from services.review_queue.lifecycle.claims import ClaimService
from services.review_queue.lifecycle.decisions import DecisionService
from services.review_queue.lifecycle.draws import LeaseDraws
from services.review_queue.lifecycle.intake import IntakeService
from services.review_queue.lifecycle.lease_times import LeaseTimes
from services.review_queue.lifecycle.moves import MoveService
from services.review_queue.lifecycle.outcomes.service import OutcomeService
from services.review_queue.lifecycle.second_opinions import SecondOpinionService
from services.review_queue.lifecycle.tasks.service import TaskService
from services.review_queue.links.service import LinkService
from services.review_queue.links.signing import LinkSigner
from services.review_queue.overview.service import OverviewService
from services.review_queue.projects.reading import ProjectCache
from services.review_queue.projects.service import ProjectService
from services.review_queue.quality.agreement.service import AgreementService
from services.review_queue.quality.gold.answering import use_probe
from services.review_queue.quality.gold.drawing import GoldDraws
from services.review_queue.quality.gold.gold_states import GoldStates
from services.review_queue.quality.gold.labels import GoldService
from services.review_queue.quality.gold.pausing import PauseService
from services.review_queue.quality.human_error.service import HumanErrorService
from services.review_queue.quality.reviewers.learning import KnownReviewers
from services.review_queue.quality.reviewers.service import ReviewerService
from services.review_queue.quality.suspects.service import SuspectService
from services.review_queue.quality.tags.service import TagService
from services.review_queue.timings.capacity import CapacityService
from services.review_queue.timings.publications import Publications
from services.review_queue.timings.service import TimingService
from services.review_queue.webhooks.registration import prepare_webhooks
from services.review_queue.webhooks.sending import Sender
from services.review_queue.webhooks.service import WebhookService
from shared.db import Database
from shared.doorbells import Doorbells
from shared.http.access import Services
from shared.store import Store


def build_services(
    database: Database,
    bells: Doorbells,
    store: Store,
    sender: Sender,
    draws: LeaseDraws,
    signer: LinkSigner,
    *,
    now: Callable[[], datetime],
    nudge: Callable[[], None],
    poll_seconds: float,
) -> Services:
    """Wire the services; `nudge` after each commit that wrote to the outbox."""
    times, known, gold_states = LeaseTimes(now), KnownReviewers(database, now), GoldStates(now)
    gold, intake = GoldDraws(gold_states, draws), IntakeService(database, now, nudge)
    prepare = partial(prepare_webhooks, sender.rules, store)
    projects = ProjectService(database, store, now, nudge, prepare)
    together = (BatchScheduler(database, now), ProjectCache(), times)
    return Services(
        projects,
        intake,
        ClaimService(database, bells, *together, gold, draws, now, poll_seconds),
        MoveService(*together, known.of, partial(use_probe, times, gold_states), nudge),
        GoldService(database, intake, gold_states, now),
        PauseService(database, gold_states, now),
        known,
        DecisionService(database, known.of, now, nudge),
        SecondOpinionService(database, now, nudge),
        OutcomeService(database, bells, poll_seconds),
        *_build_statistics(database, store, now),
        FeedbackService(database, now),
        WebhookService(database, sender, now, nudge),
        LinkService(database, signer, now),
        StandingService(database, now),
        ImportService(database, intake, now),
        ExportService(database, now),
        ErasureService(database, now, nudge),
        ProjectErasure(database, projects, now, nudge),
        ChangeService(database, bells, poll_seconds),
    )


def _build_statistics(
    database: Database, store: Store, now: Callable[[], datetime]
) -> tuple[object, ...]:
    """Build what the API says of the work and of those who do it; nothing here changes it."""
    tasks, publications = TaskService(database, now), Publications(store)
    return (
        tasks,
        TimingService(database, tasks, publications, now),
        CapacityService(database, tasks, now),
        AgreementService(database),
        HumanErrorService(database),
        ReviewerService(database, now),
        SuspectService(database, store),
        ProgressService(database, now),
        OverviewService(database, now),
        ActivityService(database),
        TagService(database, now),
    )
