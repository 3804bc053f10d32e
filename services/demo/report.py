"""What the demo measured, as a table for people and a document for programs."""

from dataclasses import asdict, dataclass
from typing import Any

from services.demo.change import ChangeChapter
from services.demo.texts import RatedText
from surehand import Prediction
from surehand.models.promises import Certificate
from surehand.models.training import Version


@dataclass
class VersionReport:
    """Figures of one version; None where it did not serve, or not under a certificate.

    Shares and accuracies in [0, 1], times in seconds. `obstacle` says why it did not.
    """

    version: str
    verdicts_used: int
    obstacle: str = ""
    held_out_accuracy: float | None = None
    threshold: float | None = None
    seconds_verdict_to_live: float | None = None
    seconds_publish_to_live: float | None = None
    streamed: int = 0
    answered: int = 0
    errors_answered: int = 0
    audited: int = 0

    def count(self, rated: RatedText, prediction: Prediction) -> None:
        """Count a prediction of the stream against the majority of the post's raters."""
        self.streamed += 1
        if prediction.decision == "answered" and prediction.reason == "confident":
            self.answered += 1
            self.audited += prediction.audited
            self.errors_answered += prediction.label != rated.majority

    def document(self) -> dict[str, Any]:
        """Return the version's entry of ``demo-report.json``."""
        share = self.answered / self.streamed if self.streamed else 0.0
        return {**asdict(self), "share_answered": share}


def obstacle(certificate: Certificate, version: Version) -> str:
    """Why `version` does not answer under a certificate of its own; empty if it does."""
    if certificate.state != "certified":
        reason = str(certificate.detail).removeprefix("not certified: ")
        return f"{version.version} was not certified ({reason})."
    if "champion" in version.channels:
        return ""
    reasons = "; ".join(version.gate["certification"]["reasons"])
    return f"{version.version} is certified and does not replace the champion ({reasons})."


@dataclass(frozen=True)
class Report:
    """The demo's whole report; no figure in it is typed in."""

    target_accuracy: float
    confidence: float
    versions: list[VersionReport]
    others: dict[float, Certificate]
    skips: int
    change: ChangeChapter | None = None

    def document(self) -> dict[str, Any]:
        """Return ``demo-report.json``."""
        return {
            "promise": {"target_accuracy": self.target_accuracy, "confidence": self.confidence},
            "versions": [version.document() for version in self.versions],
            "change": None if self.change is None else asdict(self.change),
        }

    def lines(self) -> list[str]:
        """Return the report as lines of text."""
        head = f"The promise: answers are {self.target_accuracy:.0%} right, "
        rows = [head + f"at {self.confidence:.0%} confidence.", "", _HEADER]
        rows += [_row(version) for version in self.versions]
        counts = [(v.streamed, v.answered, v.errors_answered, v.audited) for v in self.versions]
        sent, answered, errors, audited = map(sum, zip(*counts, strict=True))
        rows.append(
            f"Stream: {sent} posts, {answered} answered ({_share(answered, sent)}), {errors} of "
            f"them wrong ({_share(errors, answered)}), {audited} audited blind, "
            f"{sent - answered} sent to people. Reviewers skipped {self.skips} times."
        )
        rows += [version.obstacle for version in self.versions if version.obstacle]
        rows += [_other(target, got) for target, got in self.others.items()]
        return rows if self.change is None else [*rows, "", *self.change.lines()]


_HEADER = (
    f"{'version':8}{'held-out acc.':>14}{'threshold':>11}{'answered':>18}{'wrong':>12}"
    f"{'verdicts':>10}{'verdict→live':>14}{'publish→live':>14}"
)


def _row(one: VersionReport) -> str:
    answered = f"{one.answered}/{one.streamed} {_share(one.answered, one.streamed)}"
    wrong = f"{one.errors_answered} {_share(one.errors_answered, one.answered)}"
    return (
        f"{one.version:8}{_figure(one.held_out_accuracy, '.1%'):>14}"
        f"{_figure(one.threshold, '.4f'):>11}{answered:>18}{wrong:>12}{one.verdicts_used:>10}"
        f"{_figure(one.seconds_verdict_to_live, '.2f', ' s'):>14}"
        f"{_figure(one.seconds_publish_to_live, '.2f', ' s'):>14}"
    )


def _figure(value: float | None, form: str, unit: str = "") -> str:
    return "-" if value is None else f"{value:{form}}{unit}"


def _share(part: int, whole: int) -> str:
    return f"{part / whole:.1%}" if whole else "-"


def _other(target: float, got: Certificate) -> str:
    hypothesis = got.hypothesis
    if hypothesis is None or hypothesis.threshold is None:
        return f"A promise of {target:.0%} would get nothing from the same labels."
    return (
        f"A promise of {target:.0%} would get a threshold of {hypothesis.threshold:.4f} and "
        f"{hypothesis.coverage:.0%} of the posts from the same labels."
    )
