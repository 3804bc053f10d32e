"""Judge versions against the champion, and record each judgement, refusals included."""

import asyncio
import hashlib
from collections.abc import Sequence
from dataclasses import asdict
from functools import partial
from typing import Literal

from services.trainer.documents.status import is_certified
from services.trainer.gate.candidacy import Candidacy
from services.trainer.gate.comparing import GateTerms
from services.trainer.gate.pairs import Pair, PairedEvidence
from services.trainer.gate.repository import tries
from services.trainer.gate.rule import Coverages, GateDecision, judge_certified
from services.trainer.tables import Certification, CertificationItem, Version
from shared.contracts.projects import Project

Step = Literal["publication", "certification", "shadow"]


async def judge_certification(
    candidacy: Candidacy,
    champion: Version | None,
    record: Certification,
    *,
    coverage: float,
    items: Sequence[CertificationItem],
) -> GateDecision:
    """Judge a version that is certified now, on the labels of its certificate and on gold.

    Parameters
    ----------
    coverage : in [0, 1], share of the population at or above its threshold
    items : those that its test has drawn, judged
    """
    project, state, version = candidacy.project, candidacy.state, candidacy.version
    population = record.population or {}
    measured = population.get("champion") == state.champion
    judged = {} if champion is None else champion.gate.get("certification", {})
    judge = partial(
        judge_certified,
        champion_certified=is_certified(champion, project, candidacy.now),
        coverages=Coverages(
            new=coverage,
            champion=population.get("champion_coverage") if measured else None,
            lost_before=float(judged.get("coverage_lost", 0.0)),
        ),
        terms=terms_of(project, champion, version),
        evidence=[*_of_certification(items, champion), *_kept_gold(version, champion)],
        tries_before=await tries(candidacy.session, state.project, state.champion),
    )
    # With many items the bootstrap takes seconds.
    return await asyncio.to_thread(judge)


def record(candidacy: Candidacy, step: Step, decision: GateDecision) -> None:
    """Keep a judgement with its version, and as a line of the history of promotions."""
    document = asdict(decision)
    candidacy.keep(step, document)
    line = {"step": step, **document}
    candidacy.note("judged", text=step, try_number=decision.try_number, document=line)


def terms_of(project: Project, champion: Version | None, version: Version) -> GateTerms:
    """Return the project's terms; the seed depends on the two versions alone."""
    names = f"{project.project}:{champion and champion.version}:{version.version}"
    seed = int.from_bytes(hashlib.sha256(names.encode()).digest()[:8])
    return GateTerms(project.training.gate, project.promise.target_accuracy, seed)


def _kept_gold(version: Version, champion: Version | None) -> list[PairedEvidence]:
    kept = version.tune.get("gold")
    if kept is None or champion is None or kept["champion"] != champion.version:
        return []
    return [PairedEvidence("gold", [Pair(**pair) for pair in kept["pairs"]])]


def _of_certification(
    items: Sequence[CertificationItem], champion: Version | None
) -> list[PairedEvidence]:
    """Return the items drawn for a certificate that people gave a label, asked blind.

    The champion's answers to them were recorded when they were drawn. An item without a label is no
    evidence of which version is right, though it counts as an error of the certificate.
    """
    pairs = [
        Pair(
            new_right=item.finding == "right",
            champion_right=item.champion["label"] == item.verdict,
            new_confidence=item.score,
            champion_confidence=item.champion["score"],
            metadata=item.item_metadata,
        )
        for item in items
        if item.finding in ("right", "wrong")
        and item.champion is not None
        and champion is not None
        and item.champion["version"] == champion.version
    ]
    return [PairedEvidence("certification", pairs)] if pairs else []
