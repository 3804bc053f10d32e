"""Draws: replayable, of the right size, and independent of one another."""

import hashlib
import hmac

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.router.routing.draws import audit_draw, canary_draw
from shared.draws import Draw

SECRET = "s" * 32
IDS = [f"item-{n}" for n in range(20_000)]


def audits(rate: float, project: str = "shop", epoch: str = "epoch") -> Draw:
    return audit_draw(SECRET, project, epoch, rate)


def by_the_book(key: bytes, item_id: str, rate: float) -> bool:
    """HMAC-SHA256(key, item_id) / 2**256 < rate, as it is written."""
    draw = int(hmac.new(key, item_id.encode(), hashlib.sha256).hexdigest(), 16)
    return draw < int(rate * 2**256)


@given(st.binary(max_size=64), st.text(max_size=30), st.floats(0.0, 1.0))
def test_an_item_is_taken_as_hmac_sha256_says(key: bytes, item_id: str, rate: float) -> None:
    assert Draw(key, rate).takes(item_id) == by_the_book(key, item_id, rate)


def test_a_key_that_is_too_long_is_refused() -> None:
    with pytest.raises(ValueError, match="64 bytes"):
        Draw(b"k" * 65, 0.5)


def test_the_audit_draws_key_comes_from_the_secret() -> None:
    key = hmac.new(SECRET.encode(), b"surehand/audit/shop/epoch", hashlib.sha256).digest()
    draw = int(hmac.new(key, b"order-17", hashlib.sha256).hexdigest(), 16) / 2**256
    assert audits(draw + 1e-9).takes("order-17")
    assert not audits(draw - 1e-9).takes("order-17")


def test_each_day_draws_anew_and_independently() -> None:
    one, other = (
        set(audit_draw(SECRET, "shop", "epoch", 0.5, day).taken(IDS))
        for day in ("2026-11-28", "2026-11-29")
    )
    assert abs(len(one & other) / len(IDS) - 0.25) <= 5 * (0.25 * 0.75 / len(IDS)) ** 0.5


@pytest.mark.parametrize("rate", [0.0, 0.02, 0.5, 1.0])
def test_the_drawn_share_is_the_rate(rate: float) -> None:
    share = len(audits(rate).taken(IDS)) / len(IDS)
    # Five standard deviations of a binomial share.
    assert abs(share - rate) <= 5 * (rate * (1 - rate) / len(IDS)) ** 0.5


@given(st.lists(st.text(min_size=1, max_size=20), max_size=30), st.floats(0, 1), st.floats(0, 1))
def test_an_item_keeps_to_its_version_while_the_share_grows(
    item_ids: list[str], one: float, other: float
) -> None:
    small, large = (canary_draw(SECRET, "shop", "v4", share) for share in sorted((one, other)))
    few, many = set(small.taken(item_ids)), set(large.taken(item_ids))
    assert few <= many
    # Each by itself: the others of its call have no say.
    assert {i for i, item_id in enumerate(item_ids) if large.takes(item_id)} == many
    assert canary_draw(SECRET, "shop", "v4", 0.0).taken(item_ids) == []
    assert canary_draw(SECRET, "shop", "v4", 1.0).taken(item_ids) == list(range(len(item_ids)))


def test_the_challengers_share_leaves_the_audit_draw_alone() -> None:
    theirs = canary_draw(SECRET, "shop", "v4", 0.3).taken(IDS)
    assert abs(len(theirs) / len(IDS) - 0.3) <= 5 * (0.3 * 0.7 / len(IDS)) ** 0.5
    audited = audits(0.2).taken(IDS[i] for i in theirs)
    assert abs(len(audited) / len(theirs) - 0.2) <= 5 * (0.2 * 0.8 / len(theirs)) ** 0.5


def test_each_project_epoch_and_challenger_draws_by_itself() -> None:
    draws = [audits(0.5, name, epoch) for name in ("a", "b") for epoch in ("1", "2")]
    draws += [
        canary_draw(SECRET, name, version, 0.5) for name in ("a", "b") for version in ("1", "2")
    ]
    assert len({tuple(draw.taken(IDS[:200])) for draw in draws}) == len(draws)
