"""The certifications of a project, step by step, and what the API says of the newest."""

from collections.abc import Sequence
from datetime import timedelta

from services.trainer.documents.status import (
    is_from_the_future,
    status_of,
    why_not_valid,
)
from services.trainer.ledger import repository as ledger
from services.trainer.outcomes.opinions.service import ask_about_draw
from services.trainer.pool import repository as pool
from services.trainer.projects.repository import active_run, locking, read_state
from services.trainer.promise import repository
from services.trainer.promise.closing import ceiling_of, try_close
from services.trainer.promise.messages import AttemptProgress, CertificateView
from services.trainer.promise.opening import try_open
from services.trainer.promise.renewal import plan_certifications
from services.trainer.registry import repository as registry
from services.trainer.resources import Resources
from services.trainer.tables import Certification
from shared.contracts.projects import Project, question_digest
from shared.contracts.reasons import WHY_NOT

# What came so long before a certification was begun counts towards the growth of its traffic.
_LOOK_BACK = timedelta(hours=1)


class Certifier:
    """Advances the certifications of projects.

    It remembers how large a population was when it did not suffice: scoring it again is worth
    its time only once it has grown.
    """

    def __init__(self) -> None:
        self._tried: dict[str, tuple[int, int, int]] = {}

    def forget(self, project: str) -> None:
        """Forget the populations of a project: it was deleted."""
        self._tried.pop(project, None)

    async def step(self, resources: Resources, project: Project) -> None:
        """Plan what is needed, open what has a population, close what has its verdicts.

        One certification at a time is open: the others wait their turn.
        """
        await _note_question(resources, project)
        while True:
            await plan_certifications(resources, project)
            async with resources.database.reading() as session:
                pending = await repository.pending(session, project.project)
            is_open = bool(pending) and pending[0].state == "open"
            under_way = pending[0] if is_open else await self._open(resources, project, pending)
            if under_way is not None:
                await ask_about_draw(resources, project, under_way.certification_id)
            if under_way is None or not await try_close(resources, project, under_way):
                return

    async def _open(
        self, resources: Resources, project: Project, waiting: Sequence[Certification]
    ) -> Certification | None:
        """Open the first that has a population, and post its tasks."""
        for certification in waiting:
            if not await self._is_worth_a_look(resources, project, certification):
                continue
            if await try_open(resources, project, certification):
                await resources.posting.post_or_leave(project.project)
                return certification
        return None

    async def _is_worth_a_look(
        self, resources: Resources, project: Project, certification: Certification
    ) -> bool:
        async with resources.database.reading() as session:
            if await active_run(session, project.project) is not None:
                return False  # the version in the making would take its place
            waiting = await pool.count_waiting(session, project.project)
            since = certification.since or certification.created_at - _LOOK_BACK
            decided = await ledger.count(session, project.project, since)
        before = self._tried.get(certification.certification_id)
        # A twentieth: the work of all looks together stays a small multiple of one.
        if (
            before is not None
            and before[0] == project.revision
            and before[1] <= waiting <= before[1] + before[1] // 20
            and before[2] <= decided <= before[2] + before[2] // 20
        ):
            return False
        self._tried[certification.certification_id] = (project.revision, waiting, decided)
        return True


async def _note_question(resources: Resources, project: Project) -> None:
    """Note what reviewers are asked, and since when if it is another question than before.

    Answers to another question are no evidence about this one, so traffic from before counts for no
    certification.
    """
    digest = question_digest(project)
    async with resources.database.reading() as session:
        state = await read_state(session, project.project)
        if state is not None and state.question == digest:
            return
    async with locking(resources.database, project.project) as (session, state):
        # What was asked before the first note is unknown, unless the project was never edited.
        if state.question is not None or project.revision > 1:
            state.asked_since = resources.now()
        state.question = digest


async def describe(resources: Resources, project: Project) -> CertificateView:
    """Say how far the newest version's certification is, and what came of it."""
    async with resources.database.reading() as session:
        newest = await repository.newest(session, project.project)
        if newest is None:
            return CertificateView(state="none", detail="there is no version yet")
        drawn, answered, _ = await repository.progress(session, newest.certification_id)
        version = await registry.find(session, project.project, newest.version)
        state = await read_state(session, project.project)
    certificate, now = None, resources.now()
    if newest.state == "certified" and version is not None:
        certificate = version.certificate
    detail = newest.detail
    if certificate is not None and is_from_the_future(certificate, now):
        detail = (
            f"uncertified: it was given at {certificate['certified_at']} by a clock that is ahead "
            "of this trainer's; it counts once that moment has come"
        )
    why_not: str | None = WHY_NOT["not_certified"]
    if version is not None:
        why_not = why_not_valid(version, state, status_of(version, project, state, now), now)
    return CertificateView(
        state=newest.state,  # type: ignore[arg-type]
        version=newest.version,
        attempt=newest.attempt,
        attempts_allowed=project.promise.certification_draws,
        test_number=newest.test_number,
        purpose=newest.purpose,  # type: ignore[arg-type]
        progress=AttemptProgress(answered=answered, drawn=drawn) if drawn else None,
        plan=newest.plan,
        population=newest.population,
        result=newest.result,
        certificate=certificate,
        labels_short=newest.labels_short,
        label_ceiling=ceiling_of(newest, project) if newest.human_error else None,
        detail=detail,
        valid_now=why_not is None,
        why_not=why_not,
        closed_at=newest.closed_at,
    )
