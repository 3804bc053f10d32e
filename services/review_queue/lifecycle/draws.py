"""What is left to chance where leases are given, so that nothing names a task that is evidence.

Evidence never shows a suggestion. Were it the only kind of task without one, its absence would name
it: so a share of the others (`review.unsuggested_rate`) shows none either, by default as large as
that of evidence among the leases. (Pure, but for the chance.)
"""

from collections.abc import Mapping
from random import Random, SystemRandom
from secrets import token_hex
from typing import Any

from shared.contracts.review_settings import ReviewSettings
from shared.contracts.tasks import Suggestion
from shared.draws import Draw, key_for

# So that reviewers cannot foretell which task is gold, or evidence.
_CHANCE = SystemRandom()


class LeaseDraws:
    """The `chance` by which lanes and gold are drawn, and the draw of tasks without a suggestion.

    That draw goes by the installation's secret: a task is the same to all reviewers, at each lease.
    Without a secret each process has a key of its own.
    """

    def __init__(self, secret: str, chance: Random = _CHANCE) -> None:
        self.chance = chance
        self._key = key_for(secret or token_hex(), "surehand/suggestions")

    def shows_suggestion(self, task_id: str, review: ReviewSettings) -> bool:
        """Say whether an ordinary task shows its suggestion: never in a blind project."""
        return not review.blind and not Draw(self._key, review.unsuggested_rate).takes(task_id)


def suggestion_of(
    prediction: Mapping[str, Any] | None, label: str | None = None
) -> Suggestion | None:
    """Return a prediction as reviewers see it; `label` stands in for the predicted one."""
    suggested = label or (prediction or {}).get("label")
    if prediction is None or suggested is None:
        return None
    return Suggestion(label=suggested, confidence=prediction.get("confidence"))
