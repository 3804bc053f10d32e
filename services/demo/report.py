"""What the demo measured, as a table for people and a document for programs."""

from dataclasses import dataclass, field, replace
from typing import Any

from services.demo.tweets import Tweet


@dataclass(frozen=True)
class VersionReport:
    """Figures of one version. Shares and accuracies in [0, 1], times in seconds."""

    version: str
    held_out_accuracy: float
    held_out: int
    threshold: float | None
    verdicts_used: int
    seconds_verdict_to_live: float
    seconds_publish_to_live: float
    streamed: int = 0
    answered: int = 0
    errors_answered: int = 0

    def document(self) -> dict[str, Any]:
        """Return the version's entry of ``demo-report.json``."""
        return {
            "version": self.version,
            "held_out_accuracy": self.held_out_accuracy,
            "threshold": self.threshold,
            "share_answered": self.answered / self.streamed if self.streamed else 0.0,
            "answered": self.answered,
            "errors_answered": self.errors_answered,
            "verdicts_used": self.verdicts_used,
            "seconds_verdict_to_live": self.seconds_verdict_to_live,
            "seconds_publish_to_live": self.seconds_publish_to_live,
        }


@dataclass
class Streamed:
    """What became of the stream, by the version that scored."""

    sent: dict[str, int] = field(default_factory=dict)
    answered: dict[str, int] = field(default_factory=dict)
    errors: dict[str, int] = field(default_factory=dict)
    audited: int = 0

    def add(self, tweets: list[Tweet], predictions: list[dict[str, Any]]) -> None:
        """Count one call's predictions against the majority of the posts' raters."""
        for tweet, prediction in zip(tweets, predictions, strict=True):
            version = prediction["model_version"]
            _count(self.sent, version)
            if prediction["decision"] == "answered" and prediction["reason"] == "confident":
                _count(self.answered, version)
                self.audited += prediction["audited"]
                if prediction["label"] != tweet.majority:
                    _count(self.errors, version)

    def into(self, report: VersionReport) -> VersionReport:
        """Return `report` with what its version did on the stream."""
        return replace(
            report,
            streamed=self.sent.get(report.version, 0),
            answered=self.answered.get(report.version, 0),
            errors_answered=self.errors.get(report.version, 0),
        )


def _count(counts: dict[str, int], version: str) -> None:
    counts[version] = counts.get(version, 0) + 1


@dataclass(frozen=True)
class Report:
    """The demo's whole report; no figure in it is typed in."""

    target_accuracy: float
    confidence: float
    versions: list[VersionReport]
    stream: Streamed
    others: dict[float, dict[str, Any]]
    skips: int

    def document(self) -> dict[str, Any]:
        """Return ``demo-report.json``."""
        return {
            "promise": {"target_accuracy": self.target_accuracy, "confidence": self.confidence},
            "versions": [version.document() for version in self.versions],
        }

    def lines(self) -> list[str]:
        """Return the report as lines of text."""
        head = f"The promise: answers are {self.target_accuracy:.0%} right, "
        rows = [head + f"at {self.confidence:.0%} confidence.", "", _HEADER]
        rows += [_row(version) for version in self.versions]
        sent = sum(self.stream.sent.values())
        answered = sum(self.stream.answered.values())
        errors = sum(self.stream.errors.values())
        rows.append(
            f"Stream: {sent} posts, {answered} answered ({_share(answered, sent)}), {errors} of "
            f"them wrong ({_share(errors, answered)}), {self.stream.audited} audited blind, "
            f"{sent - answered} sent to people. Reviewers skipped {self.skips} times."
        )
        return rows + [_other(target, got) for target, got in self.others.items()]


_HEADER = (
    f"{'version':8}{'held-out acc.':>14}{'threshold':>11}{'answered':>18}{'wrong':>12}"
    f"{'verdicts':>10}{'verdict→live':>14}{'publish→live':>14}"
)


def _row(one: VersionReport) -> str:
    threshold = "none" if one.threshold is None else f"{one.threshold:.4f}"
    answered = f"{one.answered}/{one.streamed} {_share(one.answered, one.streamed)}"
    wrong = f"{one.errors_answered} {_share(one.errors_answered, one.answered)}"
    return (
        f"{one.version:8}{one.held_out_accuracy:>14.1%}{threshold:>11}{answered:>18}{wrong:>12}"
        f"{one.verdicts_used:>10}{one.seconds_verdict_to_live:>12.2f} s"
        f"{one.seconds_publish_to_live:>12.2f} s"
    )


def _share(part: int, whole: int) -> str:
    return f"{part / whole:.1%}" if whole else "-"


def _other(target: float, got: dict[str, Any]) -> str:
    hypothesis = got["hypothesis"]
    if hypothesis["threshold"] is None:
        return f"A promise of {target:.0%} would get nothing from the same labels."
    return (
        f"A promise of {target:.0%} would get a threshold of {hypothesis['threshold']:.4f} and "
        f"{hypothesis['coverage']:.0%} of the posts from the same labels."
    )
