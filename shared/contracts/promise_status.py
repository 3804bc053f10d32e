"""Whether a version's promise holds at a moment, by the documents alone (pure).

Routers decide by it before they answer, and the review queue before an optional task gets the
model's answer. Everything that is not proven fails closed.
"""

from ctypes import c_float
from dataclasses import dataclass
from datetime import datetime

from shared.contracts.certificates import CLOCK_SKEW, certificate_fault
from shared.contracts.decisions import Reason
from shared.contracts.projects import Project, ProjectSpec, certificate_digest
from shared.contracts.versions import Certificate, PromiseDocument, PromiseEntry
from shared.fields.types import unknown_types


@dataclass(frozen=True, slots=True)
class PromiseStatus:
    """The state of the promise for one version at one moment; it holds until `until`.

    `refusal` is why nothing may be answered; None means that `threshold`, a float32 value, is
    certified.
    """

    state: str
    refusal: Reason | None
    threshold: float | None = None
    expires_at: datetime | None = None
    until: datetime | None = None


def as_float32(value: float) -> float:
    """Round to the nearest float32, in which confidences and thresholds are compared.

    Examples
    --------
    >>> as_float32(0.9), as_float32(1e39)
    (0.8999999761581421, inf)
    """
    return c_float(value).value


def digest_of(project: ProjectSpec) -> str | None:
    """Return the certificate's digest; None where a field is of an unknown type: none counts."""
    return None if unknown_types(project.fields) else certificate_digest(project)


def entry_fault(entry: PromiseEntry) -> str | None:
    """Say why an entry that claims to be certified is not, by itself; None if nothing is wrong.

    Returns
    -------
    ``unreadable``, or what `certificate_fault` finds.
    """
    if entry.unreadable is not None:
        return "unreadable"
    if entry.state in ("certified", "warn") and entry.certificate is not None:
        return certificate_fault(entry.certificate, entry.expires_at)
    return None


def promise_status(
    project: Project,
    digest: str | None,
    promise: PromiseDocument | None,
    version: str,
    model_sha256: str,
    now: datetime,
) -> PromiseStatus:
    """Judge whether `version` may answer at `now`.

    Parameters
    ----------
    digest : hex
        ``certificate_digest(project)``; None certifies nothing.
    model_sha256 : hex
        Digest of the graph that is loaded, not of the one that the manifest names.

    Returns
    -------
    PromiseStatus; its `refusal` is None only if the entry is certified (or warned), in date and
    watched, and its certificate holds in itself (`entry_fault`) and is of this graph, this project
    and this target.
    """
    entry = promise.versions.get(version) if promise is not None else None
    if entry is None:
        return PromiseStatus("uncertified", "uncertified")
    if entry.state in ("suspended", "recertifying"):
        return PromiseStatus(entry.state, "promise_suspended", expires_at=entry.expires_at)
    if entry.state == "expired":
        return PromiseStatus("expired", "promise_expired", expires_at=entry.expires_at)
    certificate = entry.certificate
    if (
        entry.state == "uncertified"
        or certificate is None
        or not _proven(entry, certificate, project, digest, model_sha256)
    ):
        return PromiseStatus("uncertified", "uncertified", expires_at=entry.expires_at)
    return _at(entry, certificate, now)


def _at(entry: PromiseEntry, certificate: Certificate, now: datetime) -> PromiseStatus:
    """Judge an entry that is proven by the clock."""
    begins = certificate.certified_at - CLOCK_SKEW
    if now < begins:
        # Our clock or the trainer's is wrong: how long the promise still holds cannot be known.
        return PromiseStatus(
            "uncertified", "uncertified", expires_at=entry.expires_at, until=begins
        )
    # A promise without a watch or without an end cannot be kept.
    if entry.threshold is None or entry.expires_at is None or entry.watched_until is None:
        return PromiseStatus("expired", "promise_expired", expires_at=entry.expires_at)
    until = min(entry.expires_at, entry.watched_until)
    if now >= until:
        return PromiseStatus("expired", "promise_expired", expires_at=entry.expires_at)
    return PromiseStatus(entry.state, None, as_float32(entry.threshold), entry.expires_at, until)


def _proven(
    entry: PromiseEntry,
    certificate: Certificate,
    project: Project,
    digest: str | None,
    model_sha256: str,
) -> bool:
    return (
        entry.threshold is not None
        and entry_fault(entry) is None
        and certificate.digest == digest
        and certificate.model_sha256 == model_sha256
        and certificate.target_accuracy == project.promise.target_accuracy
        and certificate.confidence == project.promise.confidence
        # Scores above the certified threshold are proven, those below are not.
        and as_float32(entry.threshold) >= as_float32(certificate.threshold)
    )
