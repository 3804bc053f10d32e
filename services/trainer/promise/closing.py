"""Close a certification: all verdicts are in, or the project changed under it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum

import structlog

from services.trainer.documents.status import is_certified
from services.trainer.gate import service as gate
from services.trainer.gate.candidacy import Candidacy
from services.trainer.gate.taking_over import take_over
from services.trainer.outcomes.opinions import repository as opinions
from services.trainer.posting.repository import end_draws
from services.trainer.projects.repository import in_service, locking
from services.trainer.promise import repository
from services.trainer.promise.certify import CertificationResult, may_still_certify
from services.trainer.promise.classes import class_figures
from services.trainer.promise.label_noise import label_ceiling
from services.trainer.promise.periods import alarm_in_force, alarmed_at
from services.trainer.promise.planning import CertificationPlan, next_draw
from services.trainer.promise.proof.digests import evidence_digest, json_digest
from services.trainer.promise.proof.findings import rows_of
from services.trainer.promise.proof.messages import DrawnRow
from services.trainer.promise.proof.verification import repeat_test, window_of
from services.trainer.registry import repository as registry
from services.trainer.resources import Resources
from services.trainer.tables import Certification, CertificationItem, ProjectState, Version
from shared.contracts.certificates import attempt_delta
from shared.contracts.human_error import HumanError, LabelCeiling, LabelNoise, SecondOpinions
from shared.contracts.projects import Project, certificate_digest
from shared.contracts.versions import METHOD, Certificate, Window
from shared.db import Session

log = structlog.get_logger()


@dataclass(frozen=True)
class _Case:
    """A certification that is closed now, inside one transaction."""

    session: Session
    project: Project
    state: ProjectState
    record: Certification
    version: Version
    now: datetime


async def try_close(resources: Resources, project: Project, certification: Certification) -> bool:
    """Close an open certification whose verdicts are in; say whether it was closed."""
    async with locking(resources.database, project.project) as (session, state):
        record = await session.get_one(Certification, certification.certification_id)
        if record.state != "open":
            return False
        version = await session.get_one(Version, (record.project, record.version))
        if not await _end(_Case(session, project, state, record, version, resources.now())):
            return False
        await end_draws(session, record.project, draws=[record.certification_id])
        suspension = version.suspension
        if record.state == "failed" and suspension and suspension.get("recertifying"):
            version.suspension = {**suspension, "recertifying": False}
    log.info(
        "certification_closed",
        project=project.project,
        version=record.version,
        attempt=record.attempt,
        state=record.state,
    )
    return True


async def _end(case: _Case) -> bool:
    """Close the certification if its labels decide it, or no longer count; say whether it did."""
    record = case.record
    alarm = alarm_in_force(await in_service(case.session, record.project), case.version)
    if record.project_digest != certificate_digest(case.project):
        # What was answered before the edit answers another question.
        record.since = case.now
        _fail(case, "the project changed under its certification", None, Next.OTHER_TEST)
        return True
    if alarm is not None and (record.since is None or record.since < alarm):
        # The traffic may have changed: what was drawn before says nothing of it.
        record.since = alarm
        _fail(case, "an audit has found answers wrong since the draw", None, Next.OTHER_TEST)
        return True
    return await _judge(case)


async def _judge(case: _Case) -> bool:
    """Test the labels once all have come, or once no others could certify; say whether it did."""
    record = case.record
    assert record.plan is not None
    plan = CertificationPlan.from_dict(record.plan)
    items = await repository.tested_items(case.session, record)
    settled = await repository.settled(case.session, record.certification_id)
    doubted = await opinions.waited_for(case.session, record.certification_id)
    items = [
        item
        for item in items
        if item.certification_id != record.certification_id
        or (item.item_id in settled and (item.copy_of or item.item_id) not in doubted)
    ]
    drawn = await rows_of(case.session, items, anew=True)
    scores, correct = [row.score for row in drawn], [row.finding == "right" for row in drawn]
    may_certify = may_still_certify(plan, scores, correct)
    if len(items) < plan.labels and may_certify:
        return False
    for item, row in zip(items, drawn, strict=True):
        item.verdict, item.finding = row.verdict, row.finding
    result = repeat_test(plan, drawn)
    classes = class_figures(
        plan,
        result,
        await repository.population(case.session, record.certification_id),
        drawn,
        case.project.labels,
    )
    record.result = result.to_dict() | {"classes": [one.model_dump() for one in classes]}
    if result.certified:
        await _certify(case, plan, result, drawn, items)
    elif next_draw(plan) is not None and not may_certify:
        wrong = len(correct) - sum(correct)
        _fail(case, f"{wrong} of {len(correct)} labels are errors", None, Next.NONE)
    else:
        _fail_for_lack(case, plan, result)
    return True


def _fail_for_lack(case: _Case, plan: CertificationPlan, result: CertificationResult) -> None:
    """Close a draw whose labels do not suffice."""
    short = result.labels_short
    if short is None:
        _fail(case, "the error is estimated above the promise everywhere", None, Next.SAME_TEST)
        return
    if next_draw(plan) is None:
        short += result.labels  # another test has to ask for these as well
    _fail(case, f"about {short} more labels", short, Next.SAME_TEST)


async def _certify(
    case: _Case,
    plan: CertificationPlan,
    result: CertificationResult,
    drawn: Sequence[DrawnRow],
    items: Sequence[CertificationItem],
) -> None:
    record, version, promise = case.record, case.version, case.project.promise
    assert result.threshold is not None
    draws = await repository.draws_of(case.session, record)
    window = window_of([draw.population or {} for draw in draws])
    certificate = _certificate(case, plan, result, drawn).model_copy(
        update={
            "window": None if window is None else Window.model_validate(window),
            "label_noise": await _label_noise(case.session, plan, draws),
        }
    )
    version.expires_at = case.now + timedelta(days=promise.expires_days)
    version.certificate = certificate.model_dump(mode="json")
    if alarmed_at(version.suspension) is not None:
        version.suspension = None
    version.warning = None
    case.state.watched_until = case.now + timedelta(seconds=promise.watch_grace_seconds)
    record.state, record.closed_at, record.labels_short = "certified", case.now, None
    share = plan.shares[plan.thresholds.index(result.threshold)]
    await _pass_gate(case, plan.region_share * share, items)


async def _label_noise(
    session: Session, plan: CertificationPlan, draws: Sequence[Certification]
) -> LabelNoise:
    asked, overturned = await opinions.counts(session, [draw.certification_id for draw in draws])
    known = SecondOpinions(asked=asked, overturned=overturned)
    return plan.label_noise.model_copy(update={"second_opinions": known})


def _certificate(
    case: _Case, plan: CertificationPlan, result: CertificationResult, drawn: Sequence[DrawnRow]
) -> Certificate:
    record, version, promise = case.record, case.version, case.project.promise
    assert result.threshold is not None
    population = record.population or {}
    return Certificate(
        target_accuracy=promise.target_accuracy,
        confidence=promise.confidence,
        threshold=result.threshold,
        method=METHOD,
        labels=result.labels,
        accepted=result.accepted,
        errors=result.errors,
        upper_bound=plan.true_error(result.upper_bound),
        attempt=plan.attempt,
        delta=attempt_delta(plan.delta, plan.attempt),
        delta_spent=sum(attempt_delta(plan.delta, test) for test in range(1, plan.attempt + 1)),
        digest=record.project_digest or "",
        model_sha256=version.manifest["model_sha256"],
        population=population["kind"],
        certified_at=case.now,
        label_ceiling=ceiling_of(record, case.project),
        evidence={
            "certification_id": record.certification_id,
            "accepted": result.accepted,
            "population": population,
            "evidence_sha256": evidence_digest(record.plan or {}, drawn),
            "calibration_sha256": json_digest(version.manifest.get("calibration", {})),
        },
    )


async def _pass_gate(case: _Case, coverage: float, items: Sequence[CertificationItem]) -> None:
    """Let a newly certified version serve, if the gate and the project allow it."""
    state = case.state
    if state.champion == case.version.version:
        return
    champion = await registry.find(case.session, state.project, state.champion)
    candidacy = Candidacy(case.session, case.project, state, case.version, case.now)
    decision = await gate.judge_certification(
        candidacy, champion, case.record, coverage=coverage, items=items
    )
    gate.record(candidacy, "certification", decision)
    if decision.promote:
        by_stages = is_certified(champion, case.project, case.now)
        await take_over(candidacy, by_stages=by_stages)


def ceiling_of(certification: Certification, project: Project) -> LabelCeiling:
    """Return the label ceiling by the counts of when the certification was opened."""
    counts = HumanError.model_validate(certification.human_error)
    return label_ceiling(counts, project.review.overlap)


class Next(Enum):
    """What follows a draw that failed, while the project allows further ones."""

    SAME_TEST = "same test"  # whose labels still count
    OTHER_TEST = "other test"
    NONE = "none"


def _fail(case: _Case, detail: str, labels_short: int | None, following: Next) -> None:
    """Close without a certificate, and queue what follows."""
    record = case.record
    record.state, record.closed_at = "failed", case.now
    if following is Next.NONE:
        detail += ", so that no further draw can certify it: train a new version"
    record.detail = f"not certified: {detail}; {ceiling_of(record, case.project).note}"
    record.labels_short = labels_short
    if following is Next.NONE:
        return
    if record.attempt >= case.project.promise.certification_draws:
        record.detail += (
            "; its draws are spent: raise `certification_draws` and ask for another "
            "(POST …/certify), or train a new version on more labels"
        )
    else:
        is_same = following is Next.SAME_TEST
        case.session.add(
            Certification(
                project=record.project,
                version=record.version,
                attempt=record.attempt + 1,
                purpose=record.purpose,
                test_id=record.test_id or record.certification_id if is_same else None,
                since=record.since,
                project_digest=certificate_digest(case.project),
                labels_short=labels_short,
                created_at=case.now,
            )
        )
