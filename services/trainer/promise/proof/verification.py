"""The recomputation of an exported certificate, from the draw to the bound (pure).

It uses the functions that gave the certificate. What an export cannot show is that the population
is the traffic that came, that the plan was made before the labels, and that people answered blind.
"""

import hashlib
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

import numpy as np
from pydantic import BaseModel, ValidationError

from services.trainer.promise.certify import CertificationResult, certify, eligible
from services.trainer.promise.classes import class_figures
from services.trainer.promise.label_noise import level_of_test
from services.trainer.promise.planning import CertificationPlan, draw_share, next_draw
from services.trainer.promise.proof.digests import evidence_digest, population_digest
from services.trainer.promise.proof.messages import (
    ClassFigures,
    DrawnRow,
    DrawRecord,
    ExportEnd,
    ExportHeader,
    PopulationRow,
)
from services.trainer.promise.sampling import places_drawn
from shared.contracts.certificates import attempt_delta, certificate_fault, complement
from shared.contracts.human_error import LabelNoise
from shared.contracts.versions import METHOD, Certificate

Row = TypeVar("Row", bound=BaseModel)
# Libraries of different releases round the tails of the binomial differently.
_RELATIVE = 1e-9


class DifferenceError(Exception):
    """The export does not agree with itself; the text names the first difference."""


@dataclass
class Part:
    """The lines of one draw."""

    population: list[PopulationRow] = field(default_factory=list)
    drawn: list[DrawnRow] = field(default_factory=list)


@dataclass
class Export:
    """The lines of an export, read."""

    header: ExportHeader
    parts: list[Part] = field(default_factory=list)

    @property
    def population(self) -> list[PopulationRow]:
        """The populations of all draws."""
        return [row for part in self.parts for row in part.population]

    @property
    def drawn(self) -> list[DrawnRow]:
        """The drawn items of all draws."""
        return [row for part in self.parts for row in part.drawn]


def verify(lines: Iterable[bytes]) -> Export:
    """Recompute a certificate from its export, and return the export.

    Parameters
    ----------
    lines
        With or without their newlines.

    Raises
    ------
    DifferenceError
        A line that cannot be read, or the first figure that comes out otherwise.
    """
    export, recorded, computed = _read(lines)
    _same("number of draws", len(export.header.draws), len(export.parts))
    plans: list[CertificationPlan] = []
    for record, part in zip(export.header.draws, export.parts, strict=True):
        _check_population(record, part)
        plans.append(_plan(export.header.certificate, record, plans))
        _check_draw(record, part, plans[-1])
        _check_drawn(part)
    _check_evidence(export)
    _check_test(export, plans[-1])
    _check_certificate(export, plans[-1])
    _same("checksum of the lines", recorded, computed)
    return export


def _read(lines: Iterable[bytes]) -> tuple[Export, str, str]:
    """Return the export, the checksum in its last line, and that of the lines before it."""
    checksum = hashlib.sha256()
    export: Export | None = None
    for number, line in enumerate((one.rstrip(b"\r\n") for one in lines), 1):
        if export is None:
            export = Export(_parse(ExportHeader, line, number))
        elif line.startswith(b'{"kind":"population"'):
            if not export.parts or export.parts[-1].drawn:
                export.parts.append(Part())
            export.parts[-1].population.append(_parse(PopulationRow, line, number))
        elif line.startswith(b'{"kind":"drawn"') and export.parts:
            export.parts[-1].drawn.append(_parse(DrawnRow, line, number))
        else:
            return export, _parse(ExportEnd, line, number).sha256, checksum.hexdigest()
        checksum.update(line + b"\n")
    raise DifferenceError("the file ends before its last line: fetch the export again")


def _parse(kind: type[Row], line: bytes, number: int) -> Row:
    try:
        return kind.model_validate_json(line)
    except ValidationError as error:
        fault = error.errors(include_url=False, include_input=False)[0]
        place = ".".join(map(str, fault["loc"])) or "the line"
        raise DifferenceError(f"line {number} cannot be read: {place}: {fault['msg']}") from None


def _check_population(record: DrawRecord, part: Part) -> None:
    recorded, rows = record.population, part.population
    _same("size of the population", recorded.get("size"), len(rows))
    _same("distinct items of the population", len(rows), len({row.item_id for row in rows}))
    _same("digest of the population", recorded.get("digest"), population_digest(rows))


def _plan(
    certificate: Certificate, record: DrawRecord, earlier: Sequence[CertificationPlan]
) -> CertificationPlan:
    """Read the plan of a draw; that of a later draw follows from the one before."""
    if certificate.method != METHOD:
        raise DifferenceError(f"method: this release cannot recompute {certificate.method!r}")
    try:
        plan = CertificationPlan.from_dict(record.plan)
        level = level_of_test(
            complement(certificate.target_accuracy),
            plan.misses,
            plan.probes,
            attempt_delta(plan.delta, plan.attempt),
        )
        _same("plan: alpha", plan.alpha, level.alpha)
        _same("plan: delta", complement(certificate.confidence), plan.delta)
        _same("plan: attempt", certificate.attempt, plan.attempt)
        _same("plan: promised error", plan.promised_alpha, complement(certificate.target_accuracy))
        _same("plan: draw", plan.draw, len(earlier) + 1)
        spent = level.delta * draw_share(plan.draw, plan.draws)
        _same("plan: delta_attempt", plan.delta_attempt, spent)
        _same("plan: start", True, 0 <= plan.start < len(plan.thresholds))
        following = next_draw(earlier[-1]) if earlier else plan
    except (TypeError, ValueError) as error:
        raise DifferenceError(f"plan: it cannot be read: {error}") from None
    for name in ("draws", "labels", "thresholds", "start"):
        _same(f"plan: {name}", getattr(plan, name), getattr(following, name, None))
    return plan


def _check_draw(record: DrawRecord, part: Part, plan: CertificationPlan) -> None:
    recorded, rows, labels = record.population, part.population, plan.labels_of_draw
    inside = eligible([row.score for row in rows], plan.region)
    drawable = [row for row, is_in in zip(rows, inside, strict=True) if is_in and row.drawable]
    _same("draw: number of items", labels, len(part.drawn))
    if len(drawable) < labels:
        raise DifferenceError(f"draw: the population has {len(drawable)} items to draw from")
    try:
        places = places_drawn(
            str(recorded.get("kind")), str(recorded.get("seed")), len(drawable), labels
        )
    except ValueError as error:
        raise DifferenceError(f"draw: {error}") from None
    for number, (place, row) in enumerate(zip(places, part.drawn, strict=True), 1):
        expected = drawable[place]
        _same(f"draw: item {number}", row.item_id, expected.item_id)
        _same(f"score of {row.item_id}", row.score, expected.score)
        _same(f"label of {row.item_id}", row.label, expected.label)


def _check_drawn(part: Part) -> None:
    earlier: dict[str, DrawnRow] = {}
    for row in part.drawn:
        if row.copy_of is not None:
            first = earlier.get(row.copy_of)
            if first is None or first.copy_of is not None:
                raise DifferenceError(f"copy_of of {row.item_id}: no item before it serves it")
            if row.finding != "other_data":
                _same(f"verdict of {row.item_id}, a copy", row.verdict, first.verdict)
            digests = row.content_digest, first.content_digest
            if None not in digests:
                _same(f"content_digest of {row.item_id}, a copy", *digests)
        if row.finding in ("right", "wrong"):
            by_label = "right" if row.verdict == row.label else "wrong"
            _same(f"finding of {row.item_id}", row.finding, by_label)
        earlier[row.item_id] = row


def _check_evidence(export: Export) -> None:
    header = export.header
    computed = evidence_digest(header.draws[-1].plan, export.drawn)
    _same("distinct drawn items", len(export.drawn), len({row.item_id for row in export.drawn}))
    recorded = header.certificate.evidence.get("evidence_sha256")
    _same("digest of plan and verdicts", recorded, computed)


def _check_test(export: Export, plan: CertificationPlan) -> None:
    certificate, result = export.header.certificate, repeat_test(plan, export.drawn)
    for name in ("threshold", "labels", "accepted", "errors"):
        _same(f"test: {name}", getattr(certificate, name), getattr(result, name))
    _same("test: upper_bound", certificate.upper_bound, plan.true_error(result.upper_bound))
    computed = result.to_dict()["tested"]
    _same("test: number of thresholds", len(export.header.tested), len(computed))
    for number, (old, new) in enumerate(zip(export.header.tested, computed, strict=True), 1):
        for name in sorted({*old, *new}):
            _same(f"test {number}: {name}", old.get(name), new.get(name))

    classes = [one.label for one in export.header.classes]
    figures = class_figures(plan, result, export.parts[-1].population, export.drawn, classes)
    for one, again in zip(export.header.classes, figures, strict=True):
        for name in ClassFigures.model_fields:
            _same(f"class {one.label}: {name}", getattr(one, name), getattr(again, name))


def repeat_test(plan: CertificationPlan, drawn: Sequence[DrawnRow]) -> CertificationResult:
    """Return what the plan's test says of the drawn items."""
    scores = np.array([row.score for row in drawn], dtype=np.float32)
    return certify(plan, scores, [row.finding == "right" for row in drawn])


def _check_certificate(export: Export, plan: CertificationPlan) -> None:
    header, certificate = export.header, export.header.certificate
    last = header.draws[-1]
    _same("certificate: delta", certificate.delta, attempt_delta(plan.delta, plan.attempt))
    noise, computed = certificate.label_noise, plan.label_noise
    # Of second opinions the export says nothing.
    checked = LabelNoise.model_fields.keys() - {"second_opinions"}
    for name in sorted(checked) if noise is not None else ():
        _same(f"certificate: label_noise.{name}", getattr(noise, name), getattr(computed, name))
    spent = sum(attempt_delta(plan.delta, test) for test in range(1, plan.attempt + 1))
    _same("certificate: delta_spent", certificate.delta_spent, spent)
    for draw in header.draws:
        _same("certificate: population", certificate.population, draw.population.get("kind"))
    window = window_of([draw.population for draw in header.draws])
    _same("certificate: window", _window(certificate), window)
    evidence = certificate.evidence
    _same("certificate: recorded population", evidence.get("population"), last.population)
    _same("certificate: certification", evidence.get("certification_id"), last.certification_id)
    fault = certificate_fault(certificate, header.expires_at)
    if fault is not None:
        raise DifferenceError(f"certificate: routers refuse it ({fault})")


def window_of(populations: Sequence[Mapping[str, Any]]) -> dict[str, Any] | None:
    """Return the window of all populations together; None if they have none, as the pool."""
    windows = [one["window"] for one in populations if one.get("window")]
    if not windows:
        return None
    since, until = ([window[end] for window in windows] for end in ("since", "until"))
    return {"since": min(since), "until": max(until)}


def _window(certificate: Certificate) -> Any:
    window = certificate.window
    return None if window is None else window.model_dump(mode="json")


def _same(name: str, recorded: Any, computed: Any) -> None:
    if isinstance(recorded, float) and isinstance(computed, float):
        is_same = math.isclose(recorded, computed, rel_tol=_RELATIVE)
    else:
        is_same = recorded == computed
    if not is_same:
        raise DifferenceError(f"{name}: {computed} was computed where {recorded} is recorded")
