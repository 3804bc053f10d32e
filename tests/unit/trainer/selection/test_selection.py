"""Selection on points and probabilities of which the right choice is known."""

import numpy as np
import pytest

from services.trainer.selection.choice import without_copies
from services.trainer.selection.job import SelectionJob
from services.trainer.selection.margin import margins, uncertain
from services.trainer.selection.process import choose
from services.trainer.selection.representation import represent
from services.trainer.selection.typiclust import typical
from shared.fields.category import CategoryField
from shared.fields.image import ImageField
from shared.fields.number import NumberField
from shared.fields.text import TextField
from shared.fields.vector import VectorField
from tests.harness.trainer_and_queue import review


def groups(sizes: list[int], seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Points around corners far apart, and the corner of each."""
    chance = np.random.default_rng(seed)
    of = np.repeat(np.arange(len(sizes)), sizes)
    corners = np.eye(len(sizes)) * 10
    return corners[of] + chance.normal(0, 0.3, (len(of), len(sizes))), of


def test_the_seed_covers_every_group_before_any_twice() -> None:
    points, of = groups([200, 80, 40, 20])
    order = typical(points, np.zeros((0, 4)), 4)
    assert sorted(of[order[:4]].tolist()) == [0, 1, 2, 3]
    assert sorted(order) == list(range(len(points)))


def test_groups_that_have_labels_come_last() -> None:
    points, of = groups([60, 60, 60, 60])
    covered, _ = groups([1, 1, 0, 0], seed=1)
    assert set(of[typical(points, covered, 2)[:2]].tolist()) == {2, 3}


def test_a_typical_item_is_near_the_middle_of_its_group() -> None:
    points, _ = groups([300])
    first = points[typical(points, np.zeros((0, 1)), 1)[0]]
    assert abs(first - np.median(points)) < 0.2


def test_margin_prefers_doubt_and_spreads_over_groups() -> None:
    points, of = groups([100, 100, 100])
    probabilities = np.tile([0.9, 0.1], (300, 1))
    probabilities[of == 0] = [0.51, 0.49]  # the most doubtful ones are all alike
    probabilities[of == 1] = [0.6, 0.4]
    chosen = uncertain(points, probabilities, 20)[:20]
    assert set(of[chosen].tolist()) == {0, 1}
    assert len(set(chosen)) == 20


def test_an_item_without_scores_comes_last() -> None:
    points, _ = groups([30])
    probabilities = np.tile([0.5, 0.5], (30, 1))
    probabilities[7] = np.nan
    assert uncertain(points, probabilities, 5)[-1] == 7
    assert margins(probabilities)[7] == np.inf


def test_copies_are_taken_once_and_known_ones_never() -> None:
    rows = [{"text": review(n)["text"]} for n in range(40)]
    rows += [{"text": row["text"].upper() + "!!"} for row in rows[:20]]
    points = represent(rows, {"text": TextField()})
    chosen = without_copies(points, range(10, 60), points[:10], 60)
    assert chosen == list(range(10, 40))


@pytest.mark.parametrize("strategy", ["typiclust", "margin"])
def test_the_same_job_gives_the_same_choice(strategy: str) -> None:
    job = SelectionJob(
        size=15,
        covered=20,
        strategy=strategy,
        seed=3,
        fields={"text": {"type": "text"}},
        memory_mib=1,
        cpu_seconds=1,
        run_seconds=1,
    )
    rows = [review(n) for n in range(120)]
    first = choose(job, rows)
    assert first == choose(job, rows)
    assert len(set(first)) == 15
    assert max(first) < 100


def test_every_kind_of_field_is_represented_or_left_out() -> None:
    fields = {
        "text": TextField(),
        "stars": NumberField(),
        "shop": CategoryField(values=["a", "b"]),
        "where": VectorField(length=2),
        "photo": ImageField(),
    }
    rows = [
        {
            "text": review(n)["text"],
            "stars": n % 5,
            "shop": "ab"[n % 2],
            "where": [n, -n],
            "photo": "",
        }
        for n in range(30)
    ]
    points = represent(rows, fields)
    assert points.shape[0] == 30
    assert np.isfinite(points).all()
    assert represent([{"photo": ""}] * 4, {"photo": ImageField()}).shape == (4, 0)
    # Nothing to go by: the order is that of the candidates, which is random.
    job = SelectionJob(
        size=2,
        covered=0,
        strategy="typiclust",
        seed=0,
        fields={"photo": {"type": "image"}},
        memory_mib=1,
        cpu_seconds=1,
        run_seconds=1,
    )
    assert len(choose(job, [{"photo": ""}] * 4)) == 2
    assert represent([], fields).shape == (0, 0)
