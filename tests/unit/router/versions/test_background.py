"""Loads leave the processor to calls where there is only one, and what they start keeps its own."""

import os
import threading

import pytest

from services.router.versions.background import in_background


def priority() -> int:
    return os.getpriority(os.PRIO_PROCESS, threading.get_native_id())


async def test_a_load_steps_back_on_one_processor() -> None:
    assert await in_background(1, priority) == max(priority(), 10)


async def test_a_load_that_has_another_processor_keeps_its_priority() -> None:
    assert await in_background(2, priority) == priority()


async def test_what_a_load_raises_is_raised() -> None:
    def fail() -> None:
        raise ValueError("broken")

    with pytest.raises(ValueError, match="broken"):
        await in_background(1, fail)
