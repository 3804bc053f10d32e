"""A file of any size goes in and out through the same memory."""

from pathlib import Path

import pytest

from bench.exchange import FORMATS, Exchanging, exchanging, made_up

pytestmark = pytest.mark.thorough

FEW, MANY, PARAGRAPHS = 300, 3600, 75
# The larger file has 70 MB, and at least as much once more when it is read: a whole file in memory
# would show. Allocators keep some of what they had, and the more so the first few times.
MOST_MB = 70


def write(file: Path, tasks: int) -> None:
    file.write_bytes(b"".join(made_up(tasks, PARAGRAPHS)))


async def there_and_back(queue: Exchanging, name: str, file: Path, tasks: int) -> dict[str, float]:
    """The peaks of an import and of all exports and imports after it."""
    write(file, tasks)
    peaks = {"in": (await queue.take_in(name, "jsonl", file, tasks)).peak_mb}
    for form in sorted(FORMATS, key=lambda form: form == "parquet"):
        peaks[f"out {form}"] = (await queue.give_out(name, form, file)).peak_mb
        taken_in = await queue.take_in(f"{name}-{form}", form, file, tasks)
        peaks[f"in {form}"] = taken_in.peak_mb
    return peaks


@pytest.mark.timeout(300)
async def test_twelve_times_the_tasks_take_no_more_memory(home: Path) -> None:
    file = home / "tasks"
    async with exchanging(home) as queue:
        await there_and_back(queue, "warm", file, FEW)
        few = await there_and_back(queue, "few", file, FEW)
        many = await there_and_back(queue, "many", file, MANY)
    most = max(few.values())
    assert max(many.values()) < most + MOST_MB, (most, many)
