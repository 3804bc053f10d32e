"""The client of Surehand: predictions under a proven promise, and people for the rest.

`Surehand` is for threads, `AsyncSurehand` for asyncio; their calls are the same.
"""

from surehand._async.client import AsyncSurehand
from surehand._sync.client import Surehand
from surehand._version import __version__
from surehand.errors import (
    BadRequest,
    ConfigurationError,
    Conflict,
    FeedRestarted,
    Forbidden,
    Gone,
    InvalidRequest,
    ItemConflict,
    LeaseExpired,
    NotFound,
    PayloadTooLarge,
    ProblemError,
    ServerError,
    ServiceUnavailable,
    SurehandError,
    TooManyRequests,
    Unauthorized,
    Unavailable,
    WaitTimeout,
    WebhookVerificationError,
)
from surehand.retries import RetryPolicy

__all__ = [
    "AsyncSurehand",
    "BadRequest",
    "ConfigurationError",
    "Conflict",
    "FeedRestarted",
    "Forbidden",
    "Gone",
    "InvalidRequest",
    "ItemConflict",
    "LeaseExpired",
    "NotFound",
    "PayloadTooLarge",
    "ProblemError",
    "RetryPolicy",
    "ServerError",
    "ServiceUnavailable",
    "Surehand",
    "SurehandError",
    "TooManyRequests",
    "Unauthorized",
    "Unavailable",
    "WaitTimeout",
    "WebhookVerificationError",
    "__version__",
]
