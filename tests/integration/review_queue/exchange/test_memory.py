"""A file of any size goes in and out through little memory."""

from pathlib import Path

from bench.exchange import FORMATS, exchanging, made_up

TASKS, PARAGRAPHS = 1500, 75
# Ten batches would fit into it; the tasks as a whole do not.
MOST_MB = 24


async def test_memory_does_not_grow_with_the_file(home: Path) -> None:
    few, many = home / "few", home / "many"
    few.write_bytes(b"".join(made_up(10)))
    many.write_bytes(b"".join(made_up(TASKS, PARAGRAPHS)))
    async with exchanging(home) as queue:
        # What is loaded once is loaded now.
        await queue.take_in("few", "jsonl", few, 10)
        for form in FORMATS:
            await queue.give_out("few", form, few)
            await queue.take_in(f"few-{form}", form, few, 10)
        rest = queue.peak_mb()
        peaks = {"in": (await queue.take_in("many", "jsonl", many, TASKS)).peak_mb}
        for form in FORMATS:
            peaks[f"out {form}"] = (await queue.give_out("many", form, many)).peak_mb
            taken_in = await queue.take_in(f"many-{form}", form, many, TASKS)
            peaks[f"in {form}"] = taken_in.peak_mb
    grown = {what: round(peak - rest) for what, peak in peaks.items()}
    print(rest, grown)
    assert max(grown.values()) < MOST_MB, grown
