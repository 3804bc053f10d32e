"""What is answered about leases."""

from shared.contracts.base import Message, UtcTime


class Renewal(Message):
    """The answer of renew."""

    token: str
    expires_at: UtcTime
