"""Which ordinary tasks show their suggestion, where the project shows any (pure).

Evidence never does. Were it the only kind of task without one, its absence would name it: so a
fixed share of the others is drawn that shows none either, as large as the share of evidence among
the leases.
"""

from collections.abc import Mapping
from typing import Any

from shared.contracts.tasks import Suggestion
from shared.draws import Draw, key_for

WITHOUT = 0.2


class Suggestions:
    """Draws by the installation's secret: one task is the same to all reviewers, at each lease."""

    def __init__(self, secret: str) -> None:
        self._without = Draw(key_for(secret, "surehand/suggestions"), WITHOUT)

    def shows(self, task_id: str) -> bool:
        """Say whether an ordinary task shows its suggestion, in a project that is not blind."""
        return not self._without.takes(task_id)


def suggestion_of(
    prediction: Mapping[str, Any] | None, label: str | None = None
) -> Suggestion | None:
    """Return a prediction as reviewers see it; `label` stands in for the predicted one."""
    suggested = label or (prediction or {}).get("label")
    if prediction is None or suggested is None:
        return None
    return Suggestion(label=suggested, confidence=prediction.get("confidence"))
