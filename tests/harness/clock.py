"""Clocks that tests give to what they test."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from shared.contracts.base import utc_now


class Clock:
    """A clock that stands still until a test moves it on; by default it starts on a fixed day."""

    def __init__(self, moment: datetime | None = None) -> None:
        self.moment = moment or datetime(2026, 11, 24, 6, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.moment

    def advance(self, seconds: float = 0, **more: float) -> None:
        """Move on by seconds, and by `minutes`, `hours` or `days`; back where they are negative."""
        self.moment += timedelta(seconds=seconds, **more)

    def advance_to_next_morning(self) -> None:
        """Move on to six o'clock of the next day."""
        self.moment = self.moment.replace(hour=6, minute=0, second=0, microsecond=0)
        self.advance(days=1)


@dataclass
class ShiftedClock:
    """The real time, as far `ahead` as a test says."""

    ahead: timedelta = timedelta()

    def __call__(self) -> datetime:
        return utc_now() + self.ahead


@dataclass
class SecondsClock:
    """A clock of seconds, as `time.time` and `time.monotonic` are, that a test sets."""

    moment: float

    def __call__(self) -> float:
        return self.moment
