"""Which of two documents is older, and the place that the next one gets."""

from datetime import UTC, datetime

import pytest

from services.trainer.documents.ordering import next_place
from shared.contracts.versions import Order

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
SECONDS = int(NOW.timestamp())


@pytest.mark.parametrize(
    ("older", "newer"),
    [
        (Order(), Order(0, 1)),
        (Order(0, 9), Order(1, 1)),
        (Order(7, 8, 3), Order(7, 9, 3)),
        (Order(7, 8, 3), Order(7, 9, 4)),
        (Order(7, 8, 9), Order(8, 1, 1)),
    ],
)
def test_epochs_count_before_revisions(older: Order, newer: Order) -> None:
    assert older.is_older_than(newer)
    assert not newer.is_older_than(older)
    assert not newer.is_older_than(newer)


def test_a_trainer_that_lost_its_lease_is_behind_whatever_it_counts() -> None:
    assert Order(7, 12, 3).is_older_than(Order(7, 9, 4))


@pytest.mark.parametrize(
    ("epoch", "counted", "stored", "place"),
    [
        (0, 0, Order(), (SECONDS, 1)),
        (0, 8, Order(0, 8), (SECONDS, 9)),
        (7, 8, Order(7, 8), (7, 9)),
        (7, 8, Order(7, 5), (7, 9)),
        (7, 8, Order(), (7, 9)),
        (7, 8, Order(7, 11), (SECONDS, 12)),
        (7, 8, Order(9, 2), (SECONDS, 9)),
        (7, 8, Order(SECONDS + 50, 2), (SECONDS + 51, 9)),
    ],
)
def test_the_next_place_is_after_the_store_and_the_database(
    epoch: int, counted: int, stored: Order, place: tuple[int, int]
) -> None:
    assert next_place(epoch, counted, stored, NOW) == place
