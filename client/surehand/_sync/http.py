"""Requests to the services: token, time limits, retries and errors."""

import contextlib
import random
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from typing import Any, Self, TypedDict, Unpack

import httpx

from surehand._sync.concurrency import sleep
from surehand._version import __version__
from surehand.addresses import find_addresses
from surehand.endpoints import Answer, Endpoint, Listing, Page, path_of
from surehand.errors import ProblemError, Unavailable
from surehand.hints import detour_of, fault_of, sentence_of
from surehand.items import Shape
from surehand.responses import error_of, json_of, understood
from surehand.retries import RetryPolicy, is_idempotent, may_repeat_status

# Services close a connection that is idle for five seconds, also as a request is on its way.
_KEEPALIVE_SECONDS = 2.0
_CONNECT_SECONDS = 5.0
# Nothing was sent yet.
_NOT_SENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout)


class RequestOptions(TypedDict, total=False):
    """What a request may have beside service, method and path.

    `params` with the value None are left out. `content` is the body as bytes, or a function that
    gives its parts, called for each attempt. `timeout` is in seconds, instead of the client's.
    `is_idempotent` says that a repeated request acts once: GET does anyway, PUT and DELETE without
    `If-Match` or `If-None-Match`.
    """

    json: Any
    content: bytes | Callable[[], Iterator[bytes]] | None
    files: Mapping[str, Any] | None
    params: Mapping[str, Any] | None
    headers: Mapping[str, str] | None
    timeout: float | None
    is_idempotent: bool | None


class Http:
    """The calls that all others are made of; `Surehand` explains the parameters."""

    def __init__(
        self,
        url: str | None = None,
        *,
        router: str | None = None,
        review_queue: str | None = None,
        trainer: str | None = None,
        token: str | None = None,
        timeout: float = 30.0,
        retries: int | RetryPolicy = 4,
        transport: httpx.BaseTransport | None = None,
    ) -> None:
        services = {"router": router, "review_queue": review_queue, "trainer": trainer}
        self._addresses = find_addresses(url, services, token)
        token = self._addresses.token
        self.timeout = timeout
        self.shapes: dict[str, tuple[float, Shape]] = {}
        self._policy = RetryPolicy(retries) if isinstance(retries, int) else retries
        self._http = httpx.Client(
            headers={"User-Agent": f"surehand-python/{__version__}"}
            | ({"Authorization": f"Bearer {token}"} if token else {}),
            # A proxy of the environment does not lead to this machine.
            trust_env=not self._addresses.are_local,
            limits=httpx.Limits(keepalive_expiry=_KEEPALIVE_SECONDS),
            transport=transport,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections; the client cannot be used afterwards."""
        self._http.close()

    def call(self, service: str, method: str, path: str, **options: Unpack[RequestOptions]) -> Any:
        """Send a request and return the JSON of its response; None if that has no body.

        Parameters
        ----------
        service
            ``router``, ``review_queue`` or ``trainer``.
        method, path
            For example ``GET`` and ``/v1/projects``; ids in the path are percent-encoded.

        Raises
        ------
        ProblemError
            The service refused.
        Unavailable
            The service cannot be reached, or cannot answer now, also after the retries.
        """
        return json_of(self.request(service, method, path, **options), service)

    def ask(
        self,
        endpoint: Endpoint[Answer],
        names: Mapping[str, str],
        **options: Unpack[RequestOptions],
    ) -> Answer:
        """Call an endpoint, with `names` in its path, and return its typed answer.

        Errors are those of `call`.
        """
        options.setdefault("is_idempotent", endpoint.is_idempotent)
        path, service = endpoint.at(names), endpoint.service
        body = self.call(service, endpoint.method, path, **options)
        with understood(service):
            return endpoint.answer.model_validate(body)

    def ask_page(
        self, listing: Listing[Answer], names: Mapping[str, str], params: Mapping[str, Any]
    ) -> Page[Answer]:
        """Return one page of a list. Errors are those of `call`."""
        path = path_of(listing.path, names)
        body = self.call(listing.service, "GET", path, params=params)
        with understood(listing.service):
            return Page.of(listing, body)

    def request(
        self, service: str, method: str, path: str, **options: Unpack[RequestOptions]
    ) -> httpx.Response:
        """Send a request and return its response, read and with a status of 2xx.

        Parameters and errors are those of `call`.
        """
        return self._send(service, method, path, options, is_streamed=False)

    @contextlib.contextmanager
    def stream(
        self, service: str, method: str, path: str, **options: Unpack[RequestOptions]
    ) -> Iterator[httpx.Response]:
        """Send a request, and give its response before its body is read.

        Parameters and errors are those of `call`; a body that breaks off raises `Unavailable`.
        """
        response = self._send(service, method, path, options, is_streamed=True)
        try:
            yield response
        except httpx.TransportError as error:
            said = str(error) or type(error).__name__
            raise Unavailable(
                f"The answer of the {service} broke off ({said}).", service
            ) from error
        finally:
            response.close()

    def _send(
        self, service: str, method: str, path: str, options: RequestOptions, *, is_streamed: bool
    ) -> httpx.Response:
        idempotent = is_idempotent(method, options.get("is_idempotent"), options.get("headers"))
        attempt = 1
        while True:
            # A request of its own each time: a body is read once.
            request = self._request(service, method, path, options)
            result, may_repeat = self._try(service, request, idempotent, is_streamed)
            if isinstance(result, httpx.Response):
                return result
            wait = self._policy.wait_seconds(attempt, result.retry_after, random.random())
            if wait is None or not may_repeat:
                raise result
            attempt += 1
            sleep(wait)

    def _try(
        self, service: str, request: httpx.Request, idempotent: bool, is_streamed: bool
    ) -> tuple[httpx.Response | ProblemError | Unavailable, bool]:
        """Return the response or the failure of one attempt, and whether to repeat it."""
        try:
            response = self._http.send(request, stream=is_streamed)
            if response.is_success:
                return response, False
            response.read()
            response.close()
        except httpx.TransportError as error:
            if fault := fault_of(error, request.url):
                raise fault from error
            may_repeat = idempotent or isinstance(error, _NOT_SENT)
            said = sentence_of(error, request.url, service)
            return _caused(Unavailable(said, service), error), may_repeat
        if detour := detour_of(response):
            raise detour
        may_repeat = may_repeat_status(response.status_code, idempotent=idempotent)
        return error_of(response, service), may_repeat

    def _request(
        self, service: str, method: str, path: str, options: RequestOptions
    ) -> httpx.Request:
        params = {
            name: value.isoformat() if isinstance(value, datetime) else value
            for name, value in (options.get("params") or {}).items()
            if value is not None
        }
        seconds = options.get("timeout") or self.timeout
        content = options.get("content")
        return self._http.build_request(
            method,
            self._addresses.url(service, path),
            json=options.get("json"),
            content=content() if callable(content) else content,
            files=options.get("files"),
            params=params or None,
            headers=options.get("headers"),
            timeout=httpx.Timeout(seconds, connect=min(seconds, _CONNECT_SECONDS)),
        )


def _caused(failure: Unavailable, error: Exception) -> Unavailable:
    failure.__cause__ = error
    return failure
