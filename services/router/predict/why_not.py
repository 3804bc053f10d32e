"""Why a router gives no automatic answers, in the trainer's words where these apply (pure)."""

from datetime import datetime

from services.router.versions.views import View
from shared.contracts.promise_status import PromiseStatus
from shared.contracts.reasons import WHY_NOT
from shared.contracts.versions import PromiseEntry


def why_not_answering(view: View, status: PromiseStatus, now: datetime) -> str | None:
    """Say in words why the serving version answers nothing at `now`; None if it does."""
    if status.refusal is None:
        return None
    if status.refusal == "no_model":
        return WHY_NOT["no_version"]
    if view.serving is None:
        return WHY_NOT["not_loaded"]
    promise = view.documents.promise
    entry = None if promise is None else promise.versions.get(view.serving.version)
    if entry is not None and entry.why_not is not None:
        return entry.why_not
    return WHY_NOT[_cause(entry, status, view.documents.digest, now)]


def _cause(
    entry: PromiseEntry | None, status: PromiseStatus, digest: str | None, now: datetime
) -> str:
    """Name what this router found by itself: the trainer has not said it, or not yet."""
    if entry is None or entry.certificate is None:
        return "not_certified"
    if status.refusal == "promise_expired":
        is_over = entry.expires_at is None or now >= entry.expires_at
        return "expired" if is_over else "unwatched"
    if entry.certificate.digest != digest:
        return "project_changed"
    return "certificate_refused" if status.until is None else "clock"
