"""Metrics of one process, or of the workers that serve one port together.

Workers keep their values in files of one folder, named in METRICS_FOLDER: the worker that is
asked adds them up. A worker's files have its number, so that one that is started anew counts on
where its predecessor ended, and files do not pile up.
"""

import os
import warnings
from bisect import bisect_left
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, TypeVar

from prometheus_client import REGISTRY, Counter, Gauge, Histogram, generate_latest, values
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4
from prometheus_client.metrics import MetricWrapperBase
from prometheus_client.metrics_core import Metric
from prometheus_client.multiprocess import MultiProcessCollector, mark_process_dead
from prometheus_client.openmetrics import exposition as openmetrics
from prometheus_client.registry import Collector

METRICS_FOLDER = "PROMETHEUS_MULTIPROC_DIR"
_CONFIDENTIAL: set[str] = set()


class QuickCounter(Counter):
    """A counter whose `inc` takes a third of the time: every request is counted.

    As `QuickHistogram`; `amount` is not negative.
    """

    def inc(self, amount: float = 1, exemplar: dict[str, str] | None = None) -> None:
        """Add `amount`."""
        del exemplar
        self._value.inc(amount)


class QuickHistogram(Histogram):
    """A histogram whose `observe` takes a third of the time: some requests are observed four times.

    It knows no exemplars, and is not to be observed without the labels that it was declared with.
    """

    def observe(self, amount: float, exemplar: dict[str, str] | None = None) -> None:
        """Count `amount`, no NaN."""
        del exemplar
        self._sum.inc(amount)
        self._buckets[bisect_left(self._upper_bounds, amount)].inc(1)


class LabelledGauge:
    """A gauge whose label sets come and go; what is no longer held is no longer shown."""

    def __init__(self, gauge: Gauge) -> None:
        self._gauge = gauge
        self._shown: dict[tuple[str, ...], float] = {}

    def show(self, values: Mapping[tuple[str, ...], float]) -> None:
        """Show these values by their labels, and no others."""
        for labels, value in values.items():
            # Of a thousand idle projects nothing changes.
            if self._shown.get(labels) != value:
                self._gauge.labels(*labels).set(value)
        for labels in self._shown.keys() - values.keys():
            # Where several workers share files a series cannot be removed: 0 says it then.
            self._gauge.labels(*labels).set(0)
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                self._gauge.remove(*labels)
        self._shown = dict(values)


def use_files_of(number: int) -> None:
    """Keep this process's values as those of worker `number`; before any metric is declared."""
    values.ValueClass = values.MultiProcessValue(lambda: number)


def forget_gauges(folder: Path, number: int) -> None:
    """Take out what a worker that died said of itself; what it counted stays."""
    mark_process_dead(number, str(folder))


Kind = TypeVar("Kind", bound=MetricWrapperBase)


def confidential(metric: Kind) -> Kind:
    """Let `metric` be shown to operators and Prometheus only, as reviewers could learn from it."""
    _CONFIDENTIAL.add(next(iter(metric.describe())).name)
    return metric


def exposition(accepted: str, *, whole: bool = True) -> tuple[bytes, str]:
    """Return the values, those of all workers added up, and the media type that they are in.

    Prometheus's text format, or OpenMetrics if `accepted`, an ``Accept`` header, names it with
    version 1.0.0 or with none. Metrics that are `confidential` are left out unless `whole`.
    """
    registry: Any = REGISTRY if METRICS_FOLDER not in os.environ else _Workers()
    if not whole:
        registry = _Public(registry)
    if any(map(_is_openmetrics, accepted.split(","))):
        return openmetrics.generate_latest(registry), openmetrics.CONTENT_TYPE_LATEST
    return generate_latest(registry), CONTENT_TYPE_PLAIN_0_0_4


def _is_openmetrics(accepted: str) -> bool:
    media_type, *parameters = [part.strip().lower() for part in accepted.split(";")]
    other = (one for one in parameters if one.startswith("version=") and one != "version=1.0.0")
    return media_type == "application/openmetrics-text" and not any(other)


class _Public(Collector):
    """The metrics of another collector that are not confidential."""

    def __init__(self, collector: Collector) -> None:
        self._collector = collector

    def collect(self) -> Iterator[Metric]:
        """Yield each metric that is not confidential."""
        return (one for one in self._collector.collect() if one.name not in _CONFIDENTIAL)


class _Workers(Collector):
    """The values of all workers. What none of them has any longer is 0 in their files."""

    def collect(self) -> Iterator[Metric]:
        """Yield each metric, without what is no longer there."""
        for metric in MultiProcessCollector(None).collect():
            if metric.name.endswith("_info"):
                metric.samples = [sample for sample in metric.samples if sample.value]
            yield metric
