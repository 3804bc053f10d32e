"""Predict with its spans: the one that serves where traces are on, and costs nothing where not."""

from collections import Counter
from collections.abc import Sequence

from services.router.pictures.opening import Data
from services.router.predict.calls import Call
from services.router.predict.predictor import Predictor
from services.router.predict.requests import Incoming
from services.router.versions.views import View
from services.router.waiting.waiters import Left
from shared import tracing
from shared.routing.scores import Score


class TracedPredictor(Predictor):
    """A `Predictor` whose calls are spans, and whose tasks and rows carry their trace."""

    async def decide(self, project: str, incoming: Incoming, left: Left | None = None) -> Call:
        """As `Predictor.decide`."""
        with tracing.span(
            "predict",
            kind="server",
            project=project,
            items=len(incoming.items),
            wait_seconds=incoming.wait_seconds or None,
        ):
            return await super().decide(project, incoming, left)

    async def _score(
        self, view: View, data: Sequence[Data], theirs: Sequence[int]
    ) -> Sequence[Score | None]:
        serving = None if view.serving is None else view.serving.version
        challenger = view.challenger.version if view.challenger is not None and theirs else None
        tracing.note(model_version=serving, challenger=challenger)
        with tracing.span("score", items=len(data), challenged=len(theirs) or None):
            return await super()._score(view, data, theirs)

    async def _hand_off(self, project: str, call: Call, left: Left | None) -> None:
        tasks = sum(decision.lane is not None for decision in call.decisions)
        call.trace = tracing.traceparent()
        if tasks:
            with tracing.span("hand_off", kind="client", tasks=tasks):
                call.trace = tracing.traceparent()
                await super()._hand_off(project, call, left)
        tracing.note(**Counter[str](decision.decision for decision in call.decisions))
