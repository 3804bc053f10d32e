"""Metrics of one process, or of the workers that serve one port together.

Workers keep their values in files of one folder, named in METRICS_FOLDER: whoever is asked adds
them up. A worker's files have its number, so that one that is started anew counts on where its
predecessor ended, and files do not pile up.
"""

import os
from pathlib import Path

from prometheus_client import CollectorRegistry, generate_latest, values
from prometheus_client.multiprocess import MultiProcessCollector, mark_process_dead

METRICS_FOLDER = "PROMETHEUS_MULTIPROC_DIR"


def use_files_of(number: int) -> None:
    """Keep this process's values as those of worker `number`; before any metric is declared."""
    values.ValueClass = values.MultiProcessValue(lambda: number)


def forget_gauges(folder: Path, number: int) -> None:
    """Take out what a worker that died said of itself; what it counted stays."""
    mark_process_dead(number, str(folder))


def metrics_text() -> bytes:
    """Return the values in Prometheus's text format, those of all workers added up."""
    if METRICS_FOLDER not in os.environ:
        return generate_latest()
    registry = CollectorRegistry()
    MultiProcessCollector(registry)
    return generate_latest(registry)
