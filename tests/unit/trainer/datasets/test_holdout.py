"""Which items of traffic train nothing, and which copies of them."""

from datetime import UTC, datetime, timedelta

from services.trainer.datasets.holdout import Copy, Holdout

_NOON = datetime(2026, 11, 28, 12, tzinfo=UTC)
_HOUR = timedelta(hours=1)
_IDS = [f"item-{i}" for i in range(4_000)]


def holdout(rate: float = 0.1, seed: str = "seed") -> Holdout:
    return Holdout(seed, rate, _NOON)


def test_the_rate_is_kept_and_a_larger_rate_takes_the_same_and_more() -> None:
    few, more = holdout(0.1).takes(_IDS), holdout(0.2).takes(_IDS)
    assert 320 < len(few) < 480
    assert few < more
    assert holdout(0).takes(_IDS) == set()
    assert holdout(seed="another").takes(_IDS) != few


def copies(*items: str, apart: timedelta) -> list[Copy]:
    return [Copy(item, "same", _NOON + i * apart) for i, item in enumerate(items)]


def test_copies_within_moments_of_a_held_out_one_do_not_train() -> None:
    held = next(iter(holdout().takes(_IDS)))
    other = next(item for item in _IDS if item not in holdout().takes(_IDS))
    pair = copies(other, held, apart=timedelta(minutes=1))
    assert holdout().contents(pair, [], _HOUR) == {"same"}
    assert holdout().contents(pair, [held], _HOUR) == set()
    assert holdout().contents(copies(other, other, apart=_HOUR), [], _HOUR) == set()


def test_copies_of_a_content_that_recurs_train() -> None:
    held = next(iter(holdout().takes(_IDS)))
    assert holdout().contents(copies(held, "item-1", apart=_HOUR), [], _HOUR) == set()
