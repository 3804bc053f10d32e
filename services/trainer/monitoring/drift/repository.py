"""SQL of the watch of drift, and its state from a row and back."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import func, select
from sqlmodel import col

from services.trainer.monitoring.drift.detector import BETS, Alarm, DriftDetector
from services.trainer.monitoring.drift.watching import Watched
from services.trainer.tables import DriftWatch, LedgerRow, find_items
from shared.db import Session


class Decided(NamedTuple):
    """A decision as it was logged, and its place in the ledger."""

    place: int
    item_id: str
    received_at: datetime
    row: dict[str, Any]


async def decisions_after(session: Session, watch: DriftWatch, limit: int) -> list[Decided]:
    """Return decisions of the watched version that were not taken in, in the ledger's order."""
    query = _decided(watch, limit).where(col(LedgerRow.id) > watch.position)
    rows = await session.execute(query.order_by(col(LedgerRow.id)))
    return [Decided(*row) for row in rows.all()]


async def decisions_before(
    session: Session, watch: DriftWatch, place: int, limit: int
) -> list[Decided]:
    """Return the watched version's decisions before a place in the ledger, newest first."""
    query = _decided(watch, limit).where(col(LedgerRow.id) < place)
    rows = await session.execute(query.order_by(col(LedgerRow.id).desc()))
    return [Decided(*row) for row in rows.all()]


def _decided(watch: DriftWatch, limit: int) -> Any:
    columns = (LedgerRow.id, LedgerRow.item_id, LedgerRow.received_at, LedgerRow.row)
    of_version = col(LedgerRow.model_version) == watch.version
    query = select(*map(col, columns)).where(col(LedgerRow.project) == watch.project, of_version)
    return query.limit(limit)


async def first_places(
    session: Session, project: str, version: str, item_ids: Sequence[str]
) -> dict[str, int]:
    """Return the place of the version's first decision on each of these items."""
    query = (
        select(col(LedgerRow.item_id), func.min(col(LedgerRow.id)))
        .where(col(LedgerRow.model_version) == version)
        .group_by(col(LedgerRow.item_id))
    )
    rows = await find_items(session, query, LedgerRow, project, item_ids)
    return {row[0]: row[1] or 0 for row in rows}


async def place_before(
    session: Session, project: str, version: str, moment: datetime, items: int, after: int
) -> int:
    """Return the place behind which the last `items` decisions before a moment stand.

    None of them stands at `after` or before it.
    """
    query = (
        select(col(LedgerRow.id))
        .where(
            col(LedgerRow.project) == project,
            col(LedgerRow.model_version) == version,
            col(LedgerRow.id) > after,
            col(LedgerRow.received_at) < moment,
        )
        .order_by(col(LedgerRow.id).desc())
        .offset(items)
        .limit(1)
    )
    found = (await session.execute(query)).scalar_one_or_none()
    return after if found is None else int(found)


def watched_of(watch: DriftWatch) -> Watched:
    """Return the state that a row holds."""
    streams = len(watch.streams)
    if not watch.items:
        return Watched.start(streams)
    alarm = watch.alarm
    bets = (streams, len(BETS))
    detector = DriftDetector(
        first=_floats(watch.first, (-1, streams)),
        counts=tuple(np.array(one, dtype=np.int64) for one in watch.counts),
        statistics=_floats(watch.statistics, bets),
        products=_floats(watch.products, bets),
        starts=np.frombuffer(watch.starts, dtype="<i8").reshape(bets),
        alarm=None if alarm is None else Alarm(alarm["place"], alarm["began"], alarm["stream"]),
    )
    return Watched(
        detector=detector,
        items=watch.items,
        moments=_floats(watch.moments, (3, streams)),
        recent=_floats(watch.recent, (-1, streams)),
        recent_places=np.frombuffer(watch.recent_places, dtype="<i8"),
        open_sums=_floats(watch.open_sums, (2, streams)),
        blocks=tuple(watch.blocks),
        block_size=watch.block_size,
        is_severe=watch.is_severe,
    )


def store(watch: DriftWatch, watched: Watched) -> None:
    """Put a state into a row."""
    found = watched.detector
    watch.items, watch.is_severe = watched.items, watched.is_severe
    watch.first, watch.starts = _bytes(found.first), _bytes(found.starts)
    watch.counts = [one.tolist() for one in found.counts]
    watch.statistics, watch.products = _bytes(found.statistics), _bytes(found.products)
    watch.moments, watch.open_sums = _bytes(watched.moments), _bytes(watched.open_sums)
    watch.recent, watch.recent_places = _bytes(watched.recent), _bytes(watched.recent_places)
    watch.blocks, watch.block_size = list(watched.blocks), watched.block_size
    # What was noted with the alarm stays with it.
    watch.alarm = None if found.alarm is None else {**(watch.alarm or {}), **vars(found.alarm)}


def _floats(body: bytes, shape: tuple[int, int]) -> NDArray[np.float64]:
    return np.frombuffer(body, dtype="<f8").reshape(shape)


def _bytes(array: NDArray[Any]) -> bytes:
    return array.astype("<f8" if array.dtype.kind == "f" else "<i8").tobytes()
