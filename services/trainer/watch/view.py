"""What the API says of a promise: one answer to "does it hold?", its history, its audits by day."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict
from datetime import date, timedelta
from typing import Any

from services.trainer.documents.status import (
    certified_beside,
    status_of,
    why_not_valid,
)
from services.trainer.outcomes.repository import labels_for_next_run
from services.trainer.projects.repository import in_service, read_state
from services.trainer.promise.binomial import interval
from services.trainer.promise.detector import Band, confidence_sequence, post_stratified
from services.trainer.registry import repository as registry
from services.trainer.resources import Resources
from services.trainer.tables import AuditWatch, PromiseChange, Version
from services.trainer.watch import bands, repository
from services.trainer.watch.messages import (
    AuditDay,
    AuditView,
    PromiseOffer,
    PromiseView,
    ScoreBand,
    WatchView,
)
from services.trainer.watch.promises import certification_under_way, next_event, next_version
from shared.contracts.certificates import complement
from shared.contracts.projects import Project
from shared.contracts.reasons import WHY_NOT

_MOST_AUDITS = 100_000


async def describe(resources: Resources, project: Project) -> PromiseView:
    """Say what the champion's promise is worth now."""
    name, now = project.project, resources.now()
    async with resources.database.reading() as session:
        state = await read_state(session, name)
        champion = await registry.find(session, name, None if state is None else state.champion)
        if champion is None:
            labels = (await labels_for_next_run(session, [name])).get(name, 0)
            return _without_version(project, labels)
        status = status_of(champion, project, state, now)
        change = await repository.newest_change(session, name, champion.version)
        watch = await session.get(AuditWatch, (name, champion.version))
        under_way = await certification_under_way(session, project)
        versions = [] if status.answers else await in_service(session, name)
        share_answered = (await repository.shares_answered(session, [champion])).get(name)
    assert state is not None
    why_not = why_not_valid(champion, state, status, now)
    certificate = champion.certificate or {}
    return PromiseView(
        state=status.state,
        cause=status.cause,
        since=None if change is None else change.at,
        version=champion.version,
        valid_now=why_not is None,
        why_not=why_not,
        target_accuracy=project.promise.target_accuracy,
        confidence=project.promise.confidence,
        threshold=certificate.get("threshold"),
        expires_at=champion.expires_at,
        share_answered=share_answered,
        audit=None if watch is None else _watch_view(watch, champion, project),
        certification=under_way,
        next=next_event(champion, why_not, under_way, now),
        offers=[
            _offer(other) for other in certified_beside(champion, versions, project, state, now)
        ],
        sentence=_sentence(
            project, champion, why_not=why_not, share_answered=share_answered, watch=watch
        ),
    )


def _without_version(project: Project, labels: int) -> PromiseView:
    return PromiseView(
        state="uncertified",
        cause="no_version",
        since=None,
        version=None,
        valid_now=False,
        why_not=WHY_NOT["no_version"],
        target_accuracy=project.promise.target_accuracy,
        confidence=project.promise.confidence,
        next=next_version(project, labels),
        sentence="Not certified: there is no version yet, so people get all items.",
    )


def _sentence(
    project: Project,
    version: Version,
    *,
    why_not: str | None,
    share_answered: float | None,
    watch: AuditWatch | None,
) -> str:
    """Say whether the promise holds, how much the version answers, and what its audits found.

    Parameters
    ----------
    why_not
        Why the promise is not valid now; None: it is.
    share_answered : in [0, 1]
        Of the decisions since the certificate; None: there are none yet.
    """
    if why_not is not None:
        return f"Not valid now, so people get all items: {why_not}."
    assert version.certificate is not None
    assert version.expires_at is not None
    promise = project.promise
    until = f"{version.expires_at.day} {version.expires_at:%B %Y}"
    if share_answered is None:
        share = f"items of confidence {version.certificate['threshold']:.3f} and above"
    else:
        share = f"{_percent(share_answered)} of items"
    return (
        f"Certified: at least {_percent(promise.target_accuracy, 1)} right at"
        f" {_percent(promise.confidence, 1)} confidence, until {until}."
        f" {version.version} answers {share}; {_audits(watch)}."
    )


def _audits(watch: AuditWatch | None) -> str:
    if watch is None or not watch.reviewed:
        return "no audit has been reviewed yet"
    noun = "audit" if watch.reviewed == 1 else "audits"
    return f"{watch.reviewed} {noun}, {watch.errors or 'none'} wrong"


def _percent(share: float, digits: int = 0) -> str:
    """Return a share in percent; one below 1 is never written as 100 %."""
    shown = f"{100 * share:.{digits}f}".removesuffix(".0")
    if shown == "100" and share < 1:
        shown = f"{100 * share:.3g}" if share < 0.9995 else "more than 99.9"
    return f"{shown} %"


def _offer(version: Version) -> PromiseOffer:
    assert version.certificate is not None
    assert version.expires_at is not None
    return PromiseOffer(
        version=version.version,
        threshold=version.certificate["threshold"],
        expires_at=version.expires_at,
        act="promote",
        route=f"POST /v1/projects/{version.project}/versions/{version.version}/promote",
    )


def _watch_view(watch: AuditWatch, version: Version, project: Project) -> WatchView:
    delta = complement(project.promise.confidence)
    return WatchView(
        state="alarmed"
        if version.suspension is not None
        else "warned"
        if version.warning
        else "calm",
        audited=watch.audited,
        **_rate(watch.errors, watch.reviewed, delta),
        post_stratified=post_stratified([Band(*one) for one in watch.bands]),
        bands=_score_bands(watch, version, delta),
    )


def _rate(errors: int, reviewed: int, delta: float) -> dict[str, Any]:
    rate = errors / reviewed if reviewed else None
    interval = confidence_sequence(errors, reviewed, delta) if reviewed else None
    return {"reviewed": reviewed, "errors": errors, "error_rate": rate, "interval": interval}


def _score_bands(watch: AuditWatch, version: Version, delta: float) -> list[ScoreBand]:
    """Return the figures of each band; all intervals together hold with confidence 1 - delta."""
    if not watch.bands or version.certificate is None:
        return []
    edges = bands.edges(version.certificate["threshold"])
    return [
        ScoreBand(
            least=least,
            most=most,
            answered=answered,
            **_rate(errors, reviewed, delta / bands.BANDS),
        )
        for least, most, (answered, reviewed, errors) in zip(
            edges[:-1], edges[1:], watch.bands, strict=True
        )
    ]


async def audits(resources: Resources, project: str) -> list[AuditView]:
    """Return the audited answers of each version that has any, as far as people have answered."""
    async with resources.database.reading() as session:
        counts = await repository.audit_counts(session, project)
    return [_audit_view(one) for one in counts]


def _audit_view(counts: repository.AuditCounts) -> AuditView:
    errors, resolved = counts.errors, counts.resolved
    lower, upper = interval(errors, resolved) if resolved else (None, None)
    rate = errors / resolved if resolved else None
    return AuditView(**asdict(counts), error_rate=rate, lower=lower, upper=upper)


async def days(resources: Resources, project: str, days: int) -> list[AuditDay]:
    """Return audited answers by day and version, of the last `days` days, oldest first."""
    since = resources.now() - timedelta(days=days)
    async with resources.database.reading() as session:
        rows = await repository.judged_on(session, project, since, _MOST_AUDITS)
    audited: Counter[tuple[date, str]] = Counter()
    reviewed, errors = audited.copy(), audited.copy()
    for received_at, version, is_wrong in rows:
        key = (received_at.date(), version)
        audited[key] += 1
        reviewed[key] += is_wrong is not None
        errors[key] += bool(is_wrong)
    return [
        AuditDay(
            day=day,
            version=version,
            audited=count,
            reviewed=reviewed[day, version],
            errors=errors[day, version],
        )
        for (day, version), count in sorted(audited.items())
    ]


async def history(
    resources: Resources, project: str, after: int, limit: int
) -> Sequence[PromiseChange]:
    """Return the lines of the history behind a place, oldest first."""
    async with resources.database.reading() as session:
        return await repository.history(session, project, after, limit)
