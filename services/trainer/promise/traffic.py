"""Recent traffic as the population of a certification: a uniform draw of its occurrences.

The promise is about answers, and each item that is sent gets one, whatever was sent before. So the
population holds the first decision of every item, copies of a content as often as they came, and
whatever the client said of reviews. Of the time before the version's labels were frozen it holds
the hold-out alone, which the items' ids decide. A uniform draw is independent, copies or not.
Reviewers are asked once for each content that is drawn, and every occurrence counts.
"""

import secrets
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

from services.trainer.ledger import repository as ledger
from services.trainer.outcomes import repository as outcomes
from services.trainer.outcomes.evidence import evidence_of
from services.trainer.promise import repository
from services.trainer.promise.population import (
    DrawRequest,
    Insufficient,
    PopulationDraw,
    PopulationItem,
    draw_items,
    in_region,
    plan_on,
)
from shared.contracts.items import check_data

_TRAFFIC_LIMIT = 50_000


async def draw_from_traffic(request: DrawRequest) -> PopulationDraw | Insufficient:
    """Draw uniformly, with a recorded seed, from what was decided about unseen items."""
    name = request.project.project
    traffic = await _traffic(request)
    planned = await plan_on(request, traffic, "traffic has {} new items")
    if isinstance(planned, Insufficient):
        return planned
    if (shortage := _too_brief(request, traffic)) is not None:
        return shortage
    scored, plan = planned
    inside = in_region(scored, plan)
    async with request.resources.database.reading() as session:
        spent = await repository.drawn_before(session, name)
        known = await outcomes.of_items(session, name, [item.item_id for item in inside])
    if any(not evidence_of(row).blind for row in known):
        # Which items people have seen with a suggestion depends on the items: leaving these out
        # would no longer be a uniform draw.
        return Insufficient("traffic in the region was partly reviewed with a suggestion in sight")
    drawn = draw_items("traffic", scored, plan, seed=str(secrets.randbits(63)), spent=spent)
    if drawn is None:
        unspent = sum(item.item_id not in spent for item in inside)
        return Insufficient(f"traffic has {unspent} of them")
    return replace(drawn, copies=copies_among(drawn.items))


def copies_among(items: Sequence[PopulationItem]) -> dict[str, str]:
    """Return, for each item whose content came before it, the first item of that content.

    Examples
    --------
    >>> one, two = (Candidate(i, {}, {}, content_hash="same") for i in ("one", "two"))
    >>> copies_among([two, one])
    {'one': 'two'}
    """
    first: dict[str, str] = {}
    copies: dict[str, str] = {}
    for item in items:
        served_by = first.setdefault(item.content_hash, item.item_id)
        if served_by != item.item_id:
            copies[item.item_id] = served_by
    return copies


async def _traffic(request: DrawRequest) -> list[PopulationItem]:
    """First decisions that the version has not learnt from, oldest first.

    Left out are items that trained the version under the same id: the router answers these with
    their outcome.
    """
    async with request.resources.database.reading() as session:
        rows = await ledger.first_decisions(
            session, request.project.project, request.since, _TRAFFIC_LIMIT
        )
    trained_on = {item.item_id for item in request.trained_on}
    before = [row.item_id for row in rows if row.received_at <= request.frozen_at]
    held_out = set() if request.holdout is None else request.holdout.takes(before)
    seen = trained_on | (set(before) - held_out)
    return [
        PopulationItem(
            row.item_id,
            row.row["data"],
            row.row["metadata"],
            received_at=row.received_at,
            content_hash=row.content_hash,
        )
        for row in reversed(rows)
        if row.item_id not in seen and not check_data(row.row["data"], request.project.fields)
    ]


def _too_brief(request: DrawRequest, traffic: Sequence[PopulationItem]) -> Insufficient | None:
    """Say that the traffic came within too short a time to stand for what comes later."""
    times = [item.received_at for item in traffic if item.received_at is not None]
    wanted = timedelta(seconds=request.project.promise.min_population_span_seconds)
    span = max(times) - min(times)
    if span >= wanted:
        return None
    return Insufficient(
        f"traffic spans {span.total_seconds():.0f} of the {wanted.total_seconds():.0f} seconds "
        "that `min_population_span_seconds` asks for"
    )
