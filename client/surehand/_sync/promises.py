"""The promise, its certificate and its audit."""

import contextlib
from collections.abc import Iterator, Sequence

import httpx

from surehand import endpoints as e
from surehand._sync.pages import Group, Pages
from surehand.models.promises import (
    Audit,
    AuditDay,
    Certificate,
    ProjectPromise,
    Promise,
    PromiseChange,
    Reliability,
    WhatIf,
)


class Promises(Group):
    """`client.promise`: whether automatic answers are given, and why."""

    def get(self, project: str) -> Promise:
        """Return the promise now; its `sentence` says it all."""
        return self._http.ask(e.PROMISE, {"project": project})

    def of(self, projects: Sequence[str]) -> list[ProjectPromise]:
        """Return in short the promises of 1 to 100 projects, without those that do not exist."""
        params = {"project": list(projects)}
        return (self._http.ask(e.PROMISES, {}, params=params)).promises

    def history(self, project: str) -> Pages[PromiseChange]:
        """List each change of a version's state, oldest first."""
        return Pages(self._http, e.PROMISE_HISTORY, {"project": project})

    def what_if(
        self,
        project: str,
        *,
        target_accuracy: float | None = None,
        confidence: float | None = None,
        reviewers_hours: float | None = None,
        price_review: float | None = None,
        price_error: float | None = None,
    ) -> WhatIf:
        """Return what another promise would mean; what is left out is the project's."""
        params = {
            "target_accuracy": target_accuracy,
            "confidence": confidence,
            "reviewers_hours": reviewers_hours,
            "price_review": price_review,
            "price_error": price_error,
        }
        return self._http.ask(e.WHAT_IF, {"project": project}, params=params)

    def certificate(self, project: str, *, target_accuracy: float | None = None) -> Certificate:
        """Return the newest certification, or what its labels prove of a stricter target."""
        params = {"target_accuracy": target_accuracy}
        return self._http.ask(e.CERTIFICATE, {"project": project}, params=params)

    def certify(self, project: str, version: str | None = None) -> Certificate:
        """Certify the champion, or a version, on a fresh draw."""
        return self._http.ask(e.CERTIFY, {"project": project}, json={"version": version})

    def suspend(self, project: str, cause: str) -> Promise:
        """Stop automatic answers at once."""
        return self._http.ask(e.SUSPEND, {"project": project}, json={"cause": cause})

    def resume(self, project: str) -> Promise:
        """End an operator's suspension; not one by the audit."""
        return self._http.ask(e.RESUME, {"project": project})

    def reliability(self, project: str, version: str | None = None) -> Reliability:
        """Return how far the confidences of the champion, or of a version, can be believed."""
        params = {"version": version}
        return self._http.ask(e.RELIABILITY, {"project": project}, params=params)

    def audit(self, project: str) -> list[Audit]:
        """Return the audited answers by version, and how many were wrong."""
        return (self._http.ask(e.AUDIT, {"project": project})).audits

    def audit_days(self, project: str, *, days: int | None = None) -> list[AuditDay]:
        """Return the same by day, of the last `days`."""
        answer = self._http.ask(e.AUDIT_DAYS, {"project": project}, params={"days": days})
        return answer.days

    @contextlib.contextmanager
    def export_certificate(self, project: str, version: str) -> Iterator[httpx.Response]:
        """Give the NDJSON of a certificate with all that it rests on, to be read as it comes."""
        route, names = e.CERTIFICATE_EXPORT, {"project": project, "version": version}
        with self._http.stream(route.service, route.method, route.at(names)) as response:
            yield response
