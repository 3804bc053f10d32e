"""The promise in one sentence (pure but for its tables)."""

from services.trainer.tables import AuditWatch, Version
from shared.contracts.projects import Project


def sentence_of(
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
