"""Predict with its spans: the one that serves where traces are on, and costs nothing where not."""

from collections import Counter
from collections.abc import Sequence

from services.router.calls import Call
from services.router.incoming import Incoming
from services.router.predict import Predictor
from services.router.routing import Score
from services.router.versions.registry import View
from shared import tracing


class TracedPredictor(Predictor):
    """A `Predictor` whose calls are spans, and whose tasks and rows carry their trace."""

    async def predict(self, project: str, incoming: Incoming) -> bytes:
        """As `Predictor.predict`."""
        with tracing.span("predict", kind="server", project=project, items=len(incoming.items)):
            return await super().predict(project, incoming)

    async def _score(self, view: View, incoming: Incoming) -> Sequence[Score | None]:
        version = None if view.serving is None else view.serving.version
        tracing.note(model_version=version)
        with tracing.span("score", items=len(incoming.items), model_version=version):
            return await super()._score(view, incoming)

    async def _hand_off(self, project: str, call: Call) -> None:
        tasks = sum(decision.lane is not None for decision in call.decisions)
        call.trace = tracing.traceparent()
        if tasks:
            with tracing.span("hand_off", kind="client", tasks=tasks):
                call.trace = tracing.traceparent()
                await super()._hand_off(project, call)
        tracing.note(**Counter[str](decision.decision for decision in call.decisions))
