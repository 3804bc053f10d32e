"""What the client raises.

SurehandError
├── ConfigurationError         no address of a service, or no token
├── WaitTimeout                people have not answered in time
├── WebhookVerificationError   the webhook is not from Surehand, or is too old
├── Unavailable                a service cannot be reached, or does not answer in time
│   └── ServiceUnavailable     … or says itself that it cannot answer now (502, 503, 504)
└── ProblemError               a service refused the call
    ├── ServiceUnavailable
    ├── BadRequest 400         ├── Conflict 409            ├── PayloadTooLarge 413
    ├── Unauthorized 401       │   ├── FeedRestarted       ├── InvalidRequest 422
    ├── Forbidden 403          │   ├── ItemConflict        ├── TooManyRequests 429
    └── NotFound 404           │   └── LeaseExpired        └── ServerError 500
                               └── Gone 410
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from surehand.answers import Answer

_TYPE_PREFIX = "urn:surehand:problem:"
_FAULTS_SHOWN = 5


class SurehandError(Exception):
    """Base of everything that the client raises on purpose."""


class ConfigurationError(SurehandError):
    """The client does not know where a service is, or has no token for it."""


class WaitTimeout(SurehandError):
    """People have not answered in time.

    `item_ids` are the items that still wait; `answers` are those of the others, after `resolve`.
    """

    def __init__(self, message: str, item_ids: list[str]) -> None:
        super().__init__(message, item_ids)
        self.item_ids = item_ids
        self.answers: list[Answer] = []

    def __str__(self) -> str:
        return str(self.args[0])


class WebhookVerificationError(SurehandError):
    """The request is not a webhook that was signed with the secret lately."""


class Unavailable(SurehandError):
    """A service cannot be reached, or does not answer in time.

    `service` is its name, `retry_after` the seconds after which it asks to be called again (None
    if it does not say).
    """

    service: str
    retry_after: float | None

    def __init__(self, message: str, service: str, retry_after: float | None = None) -> None:
        super().__init__(message, service, retry_after)
        self.service = service
        self.retry_after = retry_after

    def __str__(self) -> str:
        return str(self.args[0])


class ProblemError(SurehandError):
    """A service refused the call with a problem document (RFC 9457).

    Attributes
    ----------
    type
        What is wrong, for programs: ``urn:surehand:problem:KIND``.
    kind
        The last part of `type`, for example ``lease-expired``.
    title, detail
        The same for people: `detail` says what to do.
    status
        The HTTP status.
    errors
        The faults of a request, each with ``pointer`` and ``detail``; may be empty.
    service, request_id
        Which service refused, and the id of the request in its log.
    retry_after
        Seconds after which the service asks to be called again; None if it does not say.
    members
        The whole document. Each further member is an attribute too: ``error.limit_bytes``.
    """

    def __init__(
        self,
        members: Mapping[str, Any],
        status: int,
        service: str,
        request_id: str | None = None,
        retry_after: float | None = None,
    ) -> None:
        Exception.__init__(self, dict(members), status, service, request_id, retry_after)
        self.members = dict(members)
        self.status = status
        self.service = service
        self.request_id = request_id
        self.retry_after = retry_after
        self.type = str(members.get("type") or "about:blank")
        self.kind = self.type.removeprefix(_TYPE_PREFIX)
        self.title = str(members.get("title") or f"HTTP {status}")
        self.detail = str(members.get("detail") or "")
        errors = members.get("errors")
        self.errors: list[dict[str, str]] = errors if isinstance(errors, list) else []

    def __getattr__(self, name: str) -> Any:
        # Only called for what is no attribute yet; never before `members` is set.
        if not name.startswith("_") and name in self.__dict__.get("members", {}):
            return self.members[name]
        raise AttributeError(f"{type(self).__name__} has no attribute {name!r}")

    def __str__(self) -> str:
        parts = [f"{self.service} refused ({self.status}): {self.title}."]
        if self.detail:
            parts.append(self.detail)
        parts += [f"{fault.get('pointer')}: {fault.get('detail')}." for fault in self._shown()]
        if self.request_id:
            parts.append(f"[request {self.request_id}]")
        return " ".join(parts)

    def _shown(self) -> list[dict[str, str]]:
        faults = [fault for fault in self.errors if isinstance(fault, dict)]
        return faults[:_FAULTS_SHOWN]


class BadRequest(ProblemError):
    """The request is malformed."""


class Unauthorized(ProblemError):
    """There is no token, or an invalid or expired one."""


class Forbidden(ProblemError):
    """The token has the wrong role, or is for other projects."""


class NotFound(ProblemError):
    """There is no such project, item, task, version or run."""


class Conflict(ProblemError):
    """The current state does not allow the call."""


class FeedRestarted(Conflict):
    """The cursor is from before a restore: read the feed from its start, without a cursor.

    The first row of an item then supersedes what is known of it.
    """


class ItemConflict(Conflict):
    """People were asked about some of the items with other data; `errors` name them."""


class LeaseExpired(Conflict):
    """The lease is no longer the caller's: another reviewer may have the task."""


class Gone(ProblemError):
    """The resource existed, and is gone for good."""


class PayloadTooLarge(ProblemError):
    """The body has more than `limit_bytes`."""


class InvalidRequest(ProblemError):
    """The payload violates the contract; `errors` name each fault with its JSON pointer."""


class TooManyRequests(ProblemError):
    """The token has used up its rate; `retry_after` says when to go on."""


class ServerError(ProblemError):
    """A bug in Surehand, or in a proxy before it."""


class ServiceUnavailable(ProblemError, Unavailable):
    """The service answered that it, or what it needs, is not available now."""


_BY_KIND: dict[str, type[ProblemError]] = {
    "feed-restarted": FeedRestarted,
    "item-conflict": ItemConflict,
    "lease-expired": LeaseExpired,
}
_BY_STATUS: dict[int, type[ProblemError]] = {
    400: BadRequest,
    401: Unauthorized,
    403: Forbidden,
    404: NotFound,
    409: Conflict,
    410: Gone,
    413: PayloadTooLarge,
    422: InvalidRequest,
    429: TooManyRequests,
    502: ServiceUnavailable,
    503: ServiceUnavailable,
    504: ServiceUnavailable,
}


def problem_class(status: int, kind: str) -> type[ProblemError]:
    """Return the class of a problem: by its kind, otherwise by its status."""
    fallback = ServerError if status >= 500 else ProblemError
    return _BY_KIND.get(kind) or _BY_STATUS.get(status, fallback)
