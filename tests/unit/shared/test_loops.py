"""Background loops outlive what their turns raise, and say how they are."""

import asyncio
import contextlib
from collections.abc import AsyncIterator

import pytest
from structlog.testing import capture_logs

from shared import loops
from shared.loops import Loop, loop_faults
from tests.harness import wait_until


@pytest.fixture(autouse=True)
def short_delays(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a loop whose turn failed go on soon."""
    monkeypatch.setattr(loops, "_LAST_DELAY_SECONDS", 0.01)


class Mill:
    """A loop whose turns fail while `error` is set, and whose rests end at once."""

    def __init__(self) -> None:
        self.error: BaseException | None = None
        self.turns = 0
        self.good = 0
        self.gate = asyncio.Event()
        self.gate.set()
        self.time = 0.0
        self.loop = Loop("mill", self.turn, self.rest, expected=(OSError,), now=lambda: self.time)

    async def turn(self) -> None:
        self.turns += 1
        await self.gate.wait()
        if self.error is not None:
            raise self.error
        self.good += 1

    async def rest(self) -> None:
        await asyncio.sleep(0)

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator["Mill"]:
        async with self.loop.running():
            yield self


async def failing(mill: Mill, error: BaseException) -> None:
    """Let two turns fail with `error`."""
    mill.error = error
    seen = mill.turns
    await wait_until(lambda: mill.turns >= seen + 3)


async def test_a_loop_outlives_what_its_turns_raise() -> None:
    async with Mill().running() as mill:
        for error in (OSError(28, "No space left on device"), KeyError("x"), MemoryError()):
            await failing(mill, error)
            good = mill.good
            mill.error = None
            await wait_until(lambda good=good: mill.good > good)  # type: ignore[misc]
            assert mill.loop.fault is None


async def test_a_loop_outlives_the_cancellation_of_a_task_that_it_waited_for() -> None:
    async with Mill().running() as mill:
        await failing(mill, asyncio.CancelledError())
        assert mill.loop.fault is not None
        mill.error = None
        await wait_until(lambda: mill.loop.fault is None)


async def test_a_loop_ends_although_a_turn_loses_its_cancellation() -> None:
    begun = asyncio.Event()

    async def turn() -> None:
        begun.set()
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.sleep(3600)

    async with (
        asyncio.timeout(60),
        Loop("deaf", turn, lambda: asyncio.sleep(3600)).running(),
    ):
        await begun.wait()


async def test_a_loop_whose_rest_fails_goes_on() -> None:
    turns = 0

    async def turn() -> None:
        nonlocal turns
        turns += 1

    async def rest() -> None:
        raise ValueError

    async with Loop("mill", turn, rest).running() as loop:
        await wait_until(lambda: turns >= 3)
        assert loop.fault is not None


async def test_a_failing_loop_is_named_with_the_age_of_its_last_good_turn() -> None:
    async with Mill().running() as mill:
        await wait_until(lambda: mill.good > 0)
        await failing(mill, OSError(28, "No space left on device"))
        mill.time = 42.0
        assert loop_faults([mill.loop]) == {
            "mill": "its last successful iteration ended 42 s ago: OSError: No space left on device"
        }


async def test_a_turn_that_does_not_end_is_named_unless_it_advances() -> None:
    mill = Mill()
    mill.gate.clear()
    async with mill.running():
        await wait_until(lambda: mill.turns > 0)
        assert loop_faults([mill.loop]) == {}
        mill.time = 31.0
        assert loop_faults([mill.loop]) == {"mill": "its iteration has made no progress for 31 s"}
        mill.loop.advance()
        assert loop_faults([mill.loop]) == {}


async def test_a_loop_at_rest_is_well_however_long_it_rests() -> None:
    mill = Mill()
    waiting = asyncio.Event()
    loop = Loop("mill", mill.turn, waiting.wait, now=lambda: mill.time)
    async with loop.running():
        await wait_until(lambda: mill.good > 0)
        mill.time = 1e6
        assert loop.fault is None


async def test_a_stopped_loop_ends_after_its_turn() -> None:
    mill = Mill()
    mill.gate.clear()
    task = asyncio.create_task(mill.loop.run())
    await wait_until(lambda: mill.turns > 0)
    mill.loop.stop()
    mill.gate.set()
    await task
    assert (mill.turns, mill.good) == (1, 1)


async def test_a_stopped_loop_does_not_wait_for_its_next_try(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(loops, "_FIRST_DELAY_SECONDS", 3600)
    mill = Mill()
    mill.error = OSError()
    task = asyncio.create_task(mill.loop.run())
    await wait_until(lambda: mill.loop.fault is not None)
    mill.loop.stop()
    async with asyncio.timeout(60):
        await task
    assert mill.turns == 1


async def test_the_log_has_a_line_a_change_and_not_one_a_turn() -> None:
    with capture_logs() as lines:
        async with Mill().running() as mill:
            await failing(mill, OSError(28, "No space left on device"))
            await failing(mill, ValueError("the row"))
            mill.error = None
            await wait_until(lambda: mill.loop.fault is None)
    said = [(line["event"], line["log_level"], line.get("cause")) for line in lines]
    assert said == [
        ("loop_failed", "warning", "OSError: [Errno 28] No space left on device"),
        ("loop_failed", "error", "ValueError: the row"),
        ("loop_works_again", "info", None),
    ]
