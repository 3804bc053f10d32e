"""The use cases of this service, wired once."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from services.review_queue.activity.service import ActivityService
from services.review_queue.erasure.service import ErasureService
from services.review_queue.exchange.exporting import ExportService
from services.review_queue.exchange.importing import ImportService
from services.review_queue.feedback.service import FeedbackService
from services.review_queue.gathering import Turns
from services.review_queue.gold.drawing import GoldDraws
from services.review_queue.gold.labels import GoldService
from services.review_queue.gold.pausing import PauseService
from services.review_queue.gold.postures import Postures
from services.review_queue.leases.claims import ClaimService
from services.review_queue.leases.draws import LeaseDraws
from services.review_queue.leases.gathered import GatheredClaims
from services.review_queue.leases.times import LeaseTimes
from services.review_queue.outcomes.service import OutcomeService
from services.review_queue.people.comparing import AgreementService
from services.review_queue.people.reviewers import ReviewerService
from services.review_queue.people.suspects import SuspectService
from services.review_queue.projects.known import KnownProjects
from services.review_queue.projects.service import ProjectService
from services.review_queue.tasks.intake import IntakeService
from services.review_queue.tasks.service import TaskService
from services.review_queue.timings.publications import Publications
from services.review_queue.timings.service import TimingService
from services.review_queue.ui.entry import EntryService
from services.review_queue.ui.records import RecordService
from services.review_queue.verdicts.adjudication import AdjudicationService
from services.review_queue.verdicts.corrections import CorrectionService
from services.review_queue.verdicts.gathered import GatheredVerdicts
from services.review_queue.verdicts.learning import KnownReviewers
from services.review_queue.verdicts.moves import MoveService
from services.review_queue.verdicts.service import VerdictService
from services.review_queue.webhooks.sending import Sender
from services.review_queue.webhooks.service import WebhookService
from shared.db import Database
from shared.doorbells import Doorbells
from shared.store import Store


@dataclass(frozen=True)
class Rooms:
    """One service object a room."""

    projects: ProjectService
    intake: IntakeService
    tasks: TaskService
    claims: ClaimService
    moves: MoveService
    gold: GoldService
    pauses: PauseService
    known: KnownReviewers
    adjudication: AdjudicationService
    outcomes: OutcomeService
    timings: TimingService
    feedback: FeedbackService
    webhooks: WebhookService
    agreement: AgreementService
    reviewers: ReviewerService
    suspects: SuspectService
    entry: EntryService
    records: RecordService
    imports: ImportService
    exports: ExportService
    activity: ActivityService
    erasure: ErasureService

    @property
    def verdicts(self) -> VerdictService:
        """What holders of ordinary leases do."""
        return self.moves.verdicts

    @property
    def corrections(self) -> CorrectionService:
        """Answers that are taken back, or were given elsewhere."""
        return self.moves.corrections


def furnish(
    database: Database,
    bells: Doorbells,
    store: Store,
    sender: Sender,
    draws: LeaseDraws,
    *,
    now: Callable[[], datetime],
    nudge: Callable[[], None],
    poll_seconds: float,
) -> Rooms:
    """Wire the rooms; `nudge` after each commit that wrote to the outbox."""
    times, known, postures = LeaseTimes(now), KnownReviewers(database, now), Postures(now)
    intake, tasks = IntakeService(database, now, nudge), TaskService(database, now, nudge)
    claims, verdicts = _gathered(database, times, postures, draws, now)
    gold = GoldDraws(postures, draws)
    return Rooms(
        projects=ProjectService(database, store, now, nudge, sender.registry),
        intake=intake,
        tasks=tasks,
        claims=ClaimService(database, bells, times, claims, now, poll_seconds, gold),
        moves=MoveService.of(database, times, known, postures, verdicts, now=now, nudge=nudge),
        gold=GoldService(database, intake, postures, now),
        pauses=PauseService(database, postures, now),
        known=known,
        adjudication=AdjudicationService(database, now, nudge),
        outcomes=OutcomeService(database, bells, poll_seconds),
        timings=TimingService(database, tasks, Publications(store), now),
        feedback=FeedbackService(database, now),
        webhooks=WebhookService(database, sender, now, nudge),
        agreement=AgreementService(database),
        reviewers=ReviewerService(database, now),
        suspects=SuspectService(database),
        entry=EntryService(database, now),
        records=RecordService(database, now),
        imports=ImportService(database, intake, now),
        exports=ExportService(database, now),
        activity=ActivityService(database),
        erasure=ErasureService(database, now, nudge),
    )


def _gathered(
    database: Database,
    times: LeaseTimes,
    postures: Postures,
    draws: LeaseDraws,
    now: Callable[[], datetime],
) -> tuple[GatheredClaims, GatheredVerdicts]:
    """Wire what takes leases and verdicts together: both look at the same projects, in turns."""
    seen, turns = KnownProjects(), Turns(database, now)
    return GatheredClaims(turns, seen, times, postures, draws), GatheredVerdicts(turns, seen)
