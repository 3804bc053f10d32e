"""Judge a version that was just made: on gold, and on labels that are new to the champion."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass

import structlog

from services.trainer.datasets import repository as labels
from services.trainer.datasets.gold import GOLD_LANES, gold_contents, is_drawn_by_no_model
from services.trainer.datasets.service import load
from services.trainer.documents.status import is_certified
from services.trainer.gate import repository
from services.trainer.gate.pairs import Pair, PairedEvidence
from services.trainer.gate.rule import GateDecision, judge_own, judge_uncertified
from services.trainer.gate.service import terms_of
from services.trainer.projects.repository import read_state
from services.trainer.recipes import OWN
from services.trainer.registry import repository as registry
from services.trainer.registry.scores import ModelUnusable, fits_project, score_items
from services.trainer.resources import Resources
from services.trainer.tables import Dataset, OutcomeRow, Version
from shared.contracts.items import check_data
from shared.contracts.projects import Project

log = structlog.get_logger()


@dataclass(frozen=True)
class Contest:
    """A version that was just made, the snapshot of its labels, and the champion."""

    resources: Resources
    project: Project
    version: Version
    dataset: Dataset
    champion: Version

    async def metadata(self, item_ids: Sequence[str]) -> dict[str, dict[str, object]]:
        """Return of the items' metadata what declared slices are made of."""
        keys = self.project.training.gate.slices
        if not keys:
            return {}
        async with self.resources.database.reading() as session:
            found = await repository.metadata_of(session, self.project.project, item_ids)
        return {
            item_id: {key: metadata[key] for key in keys if key in metadata}
            for item_id, metadata in found.items()
        }

    async def seen(self, version: Version) -> set[str] | None:
        """Return the contents that a version was trained on; None if that is not known."""
        async with self.resources.database.reading() as session:
            dataset = await session.get(Dataset, (version.project, version.dataset_id))
        if dataset is None:
            return None
        return {item.content_hash for item in await load(self.resources, dataset)}


async def judge_publication(
    resources: Resources, project: Project, version: Version, dataset: Dataset
) -> GateDecision:
    """Judge a version that was just made; what it says of gold is kept for its certification."""
    name = project.project
    async with resources.database.reading() as session:
        champion = await registry.find(session, name, version.manifest["parent"])
    if champion is None:
        return GateDecision(True, ["the first version serves, uncertified"])
    if not fits_project(champion, project):
        return GateDecision(True, ["the champion no longer fits the project"])
    certified = is_certified(champion, project, resources.now())
    if version.manifest["recipe"] == OWN and not certified:
        return judge_own(sum(version.tune["correct"]), len(version.tune["correct"]))
    evidence: list[PairedEvidence] = []
    if not certified or project.training.gate.gold_share:
        evidence = await _evidence_of(Contest(resources, project, version, dataset, champion))
    gold = next((one for one in evidence if one.kind == "gold" and one.pairs), None)
    if gold is not None:
        kept = [asdict(pair) for pair in gold.pairs]
        version.tune = {**version.tune, "gold": {"champion": champion.version, "pairs": kept}}
    return judge_uncertified(
        champion_certified=certified,
        evidence=evidence,
        accuracy=version.manifest["metrics"].get("accuracy", 0.0),
        champion_accuracy=champion.manifest["metrics"].get("accuracy", 0.0),
        terms=terms_of(project, champion, version),
    )


async def _evidence_of(contest: Contest) -> list[PairedEvidence]:
    """Return what compares the two: the gold fold, and labels that are new to the champion.

    Of a version or a champion that cannot score, or whose labels are gone, there is no evidence.
    """
    try:
        seen = await contest.seen(contest.champion)
        if seen is None:
            return []
        return [await _gold(contest, seen), await _out_of_fold(contest, seen)]
    except (FileNotFoundError, ModelUnusable) as error:
        log.warning(
            "champion_not_comparable",
            project=contest.project.project,
            version=contest.champion.version,
            cause=str(error),
        )
        return []


async def _gold(contest: Contest, seen: set[str]) -> PairedEvidence:
    """Return the labelled items of the gold fold; those that either has seen are left out.

    The fold may have grown since the version's labels were frozen.
    """
    resources, project = contest.resources, contest.project
    rows: Sequence[OutcomeRow] = []
    if project.training.gate.gold_share:
        async with resources.database.reading() as session:
            state = await read_state(session, project.project)
            rows = await repository.labelled_blind(session, project.project, GOLD_LANES)
            chosen = await labels.chosen_items(session, project.project)
        seed = "" if state is None else state.pool_seed
        learned = await contest.seen(contest.version) or set()
        fold = gold_contents(project, seed, {row.content_hash for row in rows}) - seen - learned
        rows = [
            row for row in rows if row.content_hash in fold and is_drawn_by_no_model(row, chosen)
        ]
        rows = [row for row in rows if not check_data(row.data, project.fields)]
    if not rows:
        return PairedEvidence("gold", [])
    data = [row.data for row in rows]
    new = await score_items(resources, project, contest.version, data)
    old = await score_items(resources, project, contest.champion, data)
    metadata = await contest.metadata([row.item_id for row in rows])
    pairs = [
        Pair(
            new_right=new.labels[at] == row.evidence_label,
            champion_right=old.labels[at] == row.evidence_label,
            new_confidence=float(new.scores[at]),
            champion_confidence=float(old.scores[at]),
            metadata=metadata.get(row.item_id, {}),
        )
        for at, row in enumerate(rows)
    ]
    return PairedEvidence("gold", pairs)


async def _out_of_fold(contest: Contest, seen: set[str]) -> PairedEvidence:
    """Return the out-of-fold items that are new to the champion."""
    resources, tune = contest.resources, contest.version.tune
    place = {item_id: at for at, item_id in enumerate(tune["item_ids"])}
    # After an alarm the version has evidence of the items since alone.
    fresh = [
        item
        for item in await load(resources, contest.dataset)
        if item.item_id in place and item.content_hash not in seen
    ]
    data = [item.data for item in fresh]
    scored = await score_items(resources, contest.project, contest.champion, data)
    metadata = await contest.metadata([item.item_id for item in fresh])
    pairs = [
        Pair(
            new_right=bool(tune["correct"][place[item.item_id]]),
            champion_right=label == item.label,
            new_confidence=float(tune["scores"][place[item.item_id]]),
            champion_confidence=score,
            metadata=metadata.get(item.item_id, {}),
        )
        for item, label, score in zip(fresh, scored.labels, scored.scores.tolist(), strict=True)
    ]
    return PairedEvidence("out_of_fold", pairs)
