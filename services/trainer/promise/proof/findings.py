"""What people said of the items that were drawn for a certification."""

from collections.abc import Sequence

from services.trainer.content import content_hash
from services.trainer.outcomes import repository as outcomes
from services.trainer.outcomes.evidence import evidence_of
from services.trainer.promise.proof.messages import DrawnRow, Finding
from services.trainer.tables import CertificationItem, OutcomeRow
from shared.db import Session


async def rows_of(
    session: Session, items: Sequence[CertificationItem], *, anew: bool = False
) -> list[DrawnRow]:
    """Return the items with their verdicts: as recorded when they were judged, else as they are.

    Of an item without an outcome nothing is known yet: it counts as ``unanswered``. `anew`: as they
    are, but for items that were erased since.
    """
    judges = [
        item.copy_of or item.item_id
        for item in items
        if item.finding is None or (anew and item.data)
    ]
    known: dict[str, OutcomeRow] = {}
    if judges:
        found = await outcomes.of_items(session, items[0].project, judges)
        known = {row.item_id: row for row in found}
    return [_row(item, known.get(item.copy_of or item.item_id), anew) for item in items]


def _row(item: CertificationItem, outcome: OutcomeRow | None, anew: bool) -> DrawnRow:
    verdict, finding = item.verdict, item.finding
    if finding is None or (anew and item.data):
        verdict, finding = _judged(item, outcome)
    return DrawnRow(
        item_id=item.item_id,
        score=item.score,
        label=item.label,
        copy_of=item.copy_of,
        content_digest=content_hash(item.data) if item.data else None,
        verdict=verdict,
        finding=finding,  # type: ignore[arg-type]
    )


def _judged(item: CertificationItem, outcome: OutcomeRow | None) -> tuple[str | None, Finding]:
    """Return people's label, and what the item counts as."""
    if item.refused is not None:
        return None, "refused"
    if outcome is None:
        return None, "unanswered"
    if outcome.content_hash != content_hash(item.data):
        return None, "other_data"
    evidence = evidence_of(outcome)
    if evidence.label is None:
        return None, "unanswered"
    if not evidence.blind:
        return evidence.label, "not_blind"
    return evidence.label, "right" if evidence.confirms(item.label) else "wrong"
