"""Rows that this disk did not take, in memory until the store has them."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

# Of each log, in each process.
LIMIT_BYTES = 32 * 1024 * 1024


@dataclass
class HeldSegment:
    """Lines under the name of a segment: the same name again writes the same object again."""

    project: str
    path: Path
    lines: bytearray = field(default_factory=bytearray)


class HeldRows:
    """At most `limit_bytes` of rows; what comes then is lost."""

    def __init__(self, limit_bytes: int = LIMIT_BYTES) -> None:
        self._limit_bytes = limit_bytes
        self._growing: dict[str, HeldSegment] = {}
        self._sealed: list[HeldSegment] = []
        self.size = 0

    def add(self, project: str, lines: bytes, name: Callable[[str], Path]) -> bool:
        """Hold the rows of one call; False, and none held, when there is no room."""
        if self.size + len(lines) > self._limit_bytes:
            return False
        if project not in self._growing:
            self._growing[project] = HeldSegment(project, name(project))
        self._growing[project].lines += lines
        self.size += len(lines)
        return True

    def sealed(self) -> list[HeldSegment]:
        """Return what is held: it does not grow any more, what comes is held under new names."""
        self._sealed += self._growing.values()
        self._growing.clear()
        return self._sealed.copy()

    def release(self, segment: HeldSegment) -> None:
        """Let go of rows that are safe elsewhere."""
        self._sealed.remove(segment)
        self.size -= len(segment.lines)
