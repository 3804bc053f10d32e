"""What a certification is planned on: how often a version is right at each score.

It only chooses where labels are asked for and which thresholds are tested. The test is on fresh
labels, so a poor guess costs coverage or a failed attempt, never the promise. For a version that
was trained here it is the out-of-fold predictions. What a version from elsewhere was trained on we
cannot know: the labels at hand may be among it, and then make it look better than it is; they serve
all the same, for the reason above. Without enough of them the version's scores are believed.
"""

from collections.abc import Sequence

import numpy as np

from services.trainer.recipes import OWN
from services.trainer.tables import Version
from shared.graphs.rows import FloatArray

Tune = tuple[Sequence[float], Sequence[bool]]

_ENOUGH_UNIFORM = 200
# With fewer labels a version's own scores are the better guess of where it errs.
_ENOUGH_OWN = 100
_SELF_REPORTED = 2_000


def tune_of(version: Version, population_scores: Sequence[float] | FloatArray) -> Tune:
    """Scores, and whether the version was right.

    Of uniformly drawn items where there are enough: what people were asked because a model was
    unsure of it errs more often at the same score.

    Parameters
    ----------
    population_scores : shape (u,), at least one
        The version's scores of the items that labels are to be drawn from.
    """
    if version.manifest["recipe"] == OWN and len(version.tune["scores"]) < _ENOUGH_OWN:
        return self_reported_scores(population_scores)
    scores, correct, _ = labelled_evidence(version)
    return scores, correct


def labelled_evidence(version: Version) -> tuple[list[float], list[bool], bool]:
    """Scores of labelled items, whether the version was right, and whether they are uniform.

    Only the uniformly drawn ones where there are enough, else all.
    """
    tune = version.tune
    chosen = [i for i, is_uniform in enumerate(tune["uniform"]) if is_uniform]
    if len(chosen) < _ENOUGH_UNIFORM:
        return tune["scores"], tune["correct"], False
    return [tune["scores"][i] for i in chosen], [tune["correct"][i] for i in chosen], True


def self_reported_scores(scores: Sequence[float] | FloatArray) -> Tune:
    """Suppose that each answer is right with the probability that the version claims.

    Parameters
    ----------
    scores : shape (u,), in [0, 1], at least one

    Returns
    -------
    Each score as often as makes about 2,000 of them, right or wrong by a draw that is always the
    same.

    Examples
    --------
    >>> scores, right = self_reported_scores([0.9])
    >>> len(scores), 0.88 < sum(right) / len(right) < 0.92
    (2000, True)
    """
    known = np.asarray(scores, dtype=np.float64)
    claimed = np.repeat(known, max(1, _SELF_REPORTED // len(known)))
    right = np.random.default_rng(0).random(len(claimed)) < claimed
    return claimed.tolist(), right.tolist()
