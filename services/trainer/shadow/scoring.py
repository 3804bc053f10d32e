"""Which live items a shadow stage compares the two versions on."""

from collections.abc import Sequence, Set
from dataclasses import dataclass
from typing import Any

import numpy as np

from services.trainer.gate.shadow.betting import ShadowCounts
from services.trainer.registry.scores import Scores
from services.trainer.shadow import repository
from services.trainer.tables import LedgerRow, ShadowStage
from shared.contracts.items import check_data
from shared.contracts.projects import Project
from shared.db import Session
from shared.draws import Draw, key_for

# So few tasks are asked in vain when a stage ends, and so few wait when it is judged.
_MOST_WAITING = 50


@dataclass(frozen=True)
class Candidate:
    """A decision whose item both versions may be compared on, and the champion's label."""

    row: LedgerRow
    label: str


def room_of(stage: ShadowStage, counts: ShadowCounts) -> int:
    """Return how many more disagreements may be asked about now."""
    return min(stage.labels - counts.differing, _MOST_WAITING - counts.waiting)


def candidates(
    project: Project,
    stage: ShadowStage,
    seed: str,
    rows: Sequence[LedgerRow],
    trained_on: Set[str] = frozenset(),
) -> list[Candidate]:
    """Return the decisions that count, the first on each content and each item id.

    None is on a content that the version was `trained_on`: it has learned the answer to it.
    Where reviewers see suggestions, what goes to people anyway is judged with one in sight.
    """
    draw = Draw(key_for(seed, f"shadow/{stage.stage_id}"), stage.share)
    found: dict[str, Candidate] = {}
    item_ids: set[str] = set()
    for row in rows:
        label, data = row.row.get("suggestion") or row.row.get("label"), row.row["data"]
        if (
            row.received_at >= stage.began_at
            and row.row.get("reason") != "human"
            and (project.review.blind or row.decision == "answered")
            and label in project.labels
            and data
            and draw.takes(row.content_hash)
            and not check_data(data, project.fields)
            and row.content_hash not in found
            and row.content_hash not in trained_on
            and row.item_id not in item_ids
        ):
            found[row.content_hash] = Candidate(row, str(label))
            item_ids.add(row.item_id)
    return list(found.values())


async def keep(
    session: Session,
    stage: ShadowStage,
    found: Sequence[Candidate],
    scored: Scores,
    last: int,
) -> None:
    """Record what the version may answer, up to the disagreement that there is no room for.

    Each content and each item id counts once in a stage: the review queue has one task of an item,
    with one content. An item whose outcome is no verdict for this stage is left out.
    """
    room = room_of(stage, await repository.counts(session, stage))
    rows = [one.row for one in found]
    contents, item_ids = await repository.scored_before(session, stage.stage_id, rows)
    item_ids |= await repository.judged_otherwise(session, stage, rows)
    may_answer = scored.scores >= np.float32(stage.threshold)
    items: list[dict[str, Any]] = []
    for one, label, is_sure in zip(found, scored.labels, may_answer, strict=True):
        if label is None or not is_sure:
            continue
        if one.row.content_hash in contents or one.row.item_id in item_ids:
            continue
        differs = label != one.label
        if differs and room <= 0:
            last = (one.row.id or 0) - 1
            break
        room -= differs
        items.append(_item(stage, one, label, differs=differs))
    await repository.add_items(session, items)
    stage.items, stage.position = stage.items + len(items), max(stage.position, last)


def _item(stage: ShadowStage, candidate: Candidate, label: str, *, differs: bool) -> dict[str, Any]:
    row = candidate.row
    return {
        "stage_id": stage.stage_id,
        "content_hash": row.content_hash,
        "project": stage.project,
        "item_id": row.item_id,
        "place": row.id,
        "champion_label": candidate.label,
        "label": label,
        "differs": differs,
        # There is nothing to ask where both say the same.
        "posted": not differs,
        "refused": None,
    }
