"""The model alone: `session.run` in a loop, no server.

    BENCH_MODEL=model.onnx python -m bench.serving.direct ITEMS SECONDS WARM_SECONDS

Prints a measurement and the process's memory as JSON.
"""

import sys
import time
from itertools import islice

import orjson
import psutil

from bench.serving.measurement import Measurement, percentile
from bench.serving.peers.graph import Graph
from bench.serving.texts import make_texts, numbered

NAME = "`session.run` alone, no server"
_TEXTS, _SEED = 4_096, 11


def measure(items: int, seconds: float, warm_seconds: float) -> Measurement:
    """Score fresh texts, `items` at a time, one call after the other."""
    graph = Graph()
    texts = numbered(make_texts(_TEXTS, seed=_SEED), "direct")
    begin = time.perf_counter() + warm_seconds
    end = begin + seconds
    taken: list[float] = []
    while (started := time.perf_counter()) < end:
        batch = [text for _, text in islice(texts, items)]
        started = time.perf_counter()
        graph.run(batch).tolist()
        if started >= begin:
            taken.append((time.perf_counter() - started) * 1e3)
    ordered = sorted(taken)
    return Measurement(
        requests=len(ordered),
        items=items,
        # The calls alone: what makes the texts is not the model's time.
        seconds=sum(ordered) / 1e3,
        errors=0,
        p50_ms=percentile(ordered, 0.5),
        p99_ms=percentile(ordered, 0.99),
    )


def main() -> None:
    """Measure, and print."""
    items, seconds, warm_seconds = sys.argv[1:4]
    measured = measure(int(items), float(seconds), float(warm_seconds))
    rss = psutil.Process().memory_info().rss / 2**20
    sys.stdout.buffer.write(orjson.dumps({"measurement": measured.as_dict(), "rss_mib": rss}))


if __name__ == "__main__":
    main()
