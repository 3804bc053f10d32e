"""Calls of the services' public API with one person's token."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import httpx

Service = Literal["router", "review_queue", "trainer"]
_TIMEOUT_SECONDS = 10.0


class SurehandError(Exception):
    """A call did not do what was asked."""


class Unavailable(SurehandError):  # noqa: N818 - the word of the HTTP status
    """A service is away."""

    def __init__(self, service: str, retry_after: float | None = None) -> None:
        super().__init__(f"{service} is away")
        self.service = service
        self.retry_after = retry_after


class ProblemError(SurehandError):
    """A service refused a call; members of its problem document are attributes."""

    def __init__(self, status: int, document: Mapping[str, Any]) -> None:
        self.status = status
        self.document = dict(document)
        self.title = str(document.get("title", "The service refused"))
        self.detail = str(document.get("detail", ""))
        self.errors: list[dict[str, Any]] = list(document.get("errors", []))
        super().__init__(self.detail or self.title)


@dataclass(frozen=True)
class Api:
    """The three services, called by one person."""

    http: httpx.AsyncClient
    bases: Mapping[Service, str]
    token: str

    async def call(
        self,
        service: Service,
        method: str,
        path: str,
        *,
        json: Any = None,
        params: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
        content: bytes | None = None,
    ) -> Any:
        """Return the JSON that a service answers; None for an empty answer.

        Raises `ProblemError` (the service refused) and `Unavailable` (it is away).
        """
        sent = {"Authorization": f"Bearer {self.token}", **(headers or {})}
        wanted = {key: value for key, value in (params or {}).items() if value is not None}
        body = {"content": content} if content is not None else {"json": json} if json else {}
        try:
            answer = await self.http.request(
                method, self.bases[service] + path, params=wanted, headers=sent, **body
            )
        except (TimeoutError, httpx.TransportError) as error:
            raise Unavailable(service) from error
        if answer.is_success:
            return answer.json() if answer.content else None
        if answer.status_code in {502, 503, 504}:
            raise Unavailable(service)
        try:
            document = answer.json()
        except ValueError:
            document = {}
        raise ProblemError(answer.status_code, document if isinstance(document, dict) else {})


def http_client() -> httpx.AsyncClient:
    """Return the connections that all calls share."""
    return httpx.AsyncClient(timeout=_TIMEOUT_SECONDS, trust_env=False)
