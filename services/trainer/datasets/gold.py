"""The gold fold: contents that train no version, ever, and judge each against the champion.

A content belongs to it by a key and its digest alone, so it is the same for every version and every
copy of an item. A larger share has all contents of a smaller one.
"""

from collections.abc import Container, Iterable

from services.trainer.tables import OutcomeRow
from shared.contracts.projects import Project
from shared.draws import Draw, key_for

# Then all items go to people, so that what they label is chosen by no model.
_ALL_TO_PEOPLE = frozenset({"no_model", "uncertified", "promise_suspended", "promise_expired"})
GOLD_LANES = frozenset({"pool", "mandatory"})


def gold_contents(project: Project, seed: str, contents: Iterable[str]) -> set[str]:
    """Return those of the contents, given by their digests, that belong to the fold."""
    share = project.training.gate.gold_share
    draw = Draw(key_for(seed, "gold-fold"), share)
    return {content for content in contents if draw.takes(content)} if share else set()


def is_drawn_by_no_model(row: OutcomeRow, chosen: Container[str]) -> bool:
    """Say whether people labelled the item whatever a model said of it.

    `chosen` are the items of the pool that a strategy chose.
    """
    if row.lane == "pool":
        return row.item_id not in chosen
    return (row.prediction or {}).get("reason") in _ALL_TO_PEOPLE
