"""Bodies of the route of the shadow stages."""

from typing import Annotated, Literal

from services.trainer.gate.comparing import Figures
from shared.contracts.base import Message, UtcTime, names_of

StageState = Literal["running", "passed", "refused", "undecided", "ended"]


class ShadowStageView(Message):
    """A version that passed the gate's tests, compared with the champion on live traffic.

    `number` counts the stages against this champion, `labels` bounds the disagreements that people
    are asked about, `share` is that of the contents that are scored. `figures` has the counts and
    both e-values: `evidence_for` lets it pass at `needed_for`, `evidence_against` refuses it at
    `needed_against`. `reasons` say how it ended.
    """

    stage_id: str
    version: str
    champion: str
    state: Annotated[str, *names_of(StageState)]
    number: int
    labels: int
    share: float
    began_at: UtcTime
    ends_at: UtcTime
    closed_at: UtcTime | None
    figures: Figures
    reasons: list[str]


class ShadowStages(Message):
    """A page of stages, newest first."""

    stages: list[ShadowStageView]
    cursor: str | None
