"""The client of Surehand: predictions under a proven promise, and people for the rest.

`Surehand` is for threads, `AsyncSurehand` for asyncio; their calls are the same.
"""

from surehand._async.client import AsyncSurehand
from surehand._async.reviewing import AsyncReviewTask
from surehand._sync.client import Surehand
from surehand._sync.reviewing import ReviewTask
from surehand._version import __version__
from surehand.answers import Answer
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
from surehand.models.predictions import Prediction
from surehand.retries import RetryPolicy
from surehand.webhooks import verify_webhook

__all__ = [
    "Answer",
    "AsyncReviewTask",
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
    "Prediction",
    "ProblemError",
    "RetryPolicy",
    "ReviewTask",
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
    "verify_webhook",
]
