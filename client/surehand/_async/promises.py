"""The promise, its certificate and its audit."""

import contextlib
from collections.abc import AsyncIterator, Sequence

import httpx

from surehand import endpoints as e
from surehand._async.pages import AsyncGroup, AsyncPages
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


class AsyncPromises(AsyncGroup):
    """`client.promise`: whether automatic answers are given, and why."""

    async def get(self, project: str) -> Promise:
        """Return the promise now; its `sentence` says it all."""
        return await self._http.ask(e.PROMISE, {"project": project})

    async def of(self, projects: Sequence[str]) -> list[ProjectPromise]:
        """Return in short the promises of 1 to 100 projects, without those that do not exist."""
        params = {"project": list(projects)}
        return (await self._http.ask(e.PROMISES, {}, params=params)).promises

    def history(self, project: str) -> AsyncPages[PromiseChange]:
        """List each change of a version's state, oldest first."""
        return AsyncPages(self._http, e.PROMISE_HISTORY, {"project": project})

    async def what_if(
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
        return await self._http.ask(e.WHAT_IF, {"project": project}, params=params)

    async def certificate(
        self, project: str, *, target_accuracy: float | None = None
    ) -> Certificate:
        """Return the newest certification, or what its labels prove of a stricter target."""
        params = {"target_accuracy": target_accuracy}
        return await self._http.ask(e.CERTIFICATE, {"project": project}, params=params)

    async def certify(self, project: str, version: str | None = None) -> Certificate:
        """Certify the champion, or a version, on a fresh draw."""
        return await self._http.ask(e.CERTIFY, {"project": project}, json={"version": version})

    async def suspend(self, project: str, cause: str) -> Promise:
        """Stop automatic answers at once."""
        return await self._http.ask(e.SUSPEND, {"project": project}, json={"cause": cause})

    async def resume(self, project: str) -> Promise:
        """End an operator's suspension; not one by the audit."""
        return await self._http.ask(e.RESUME, {"project": project})

    async def reliability(self, project: str, version: str | None = None) -> Reliability:
        """Return how far the confidences of the champion, or of a version, can be believed."""
        params = {"version": version}
        return await self._http.ask(e.RELIABILITY, {"project": project}, params=params)

    async def audit(self, project: str) -> list[Audit]:
        """Return the audited answers by version, and how many were wrong."""
        return (await self._http.ask(e.AUDIT, {"project": project})).audits

    async def audit_days(self, project: str, *, days: int | None = None) -> list[AuditDay]:
        """Return the same by day, of the last `days`."""
        answer = await self._http.ask(e.AUDIT_DAYS, {"project": project}, params={"days": days})
        return answer.days

    @contextlib.asynccontextmanager
    async def export_certificate(self, project: str, version: str) -> AsyncIterator[httpx.Response]:
        """Give the NDJSON of a certificate with all that it rests on, to be read as it comes."""
        route, names = e.CERTIFICATE_EXPORT, {"project": project, "version": version}
        async with self._http.stream(route.service, route.method, route.at(names)) as response:
            yield response
