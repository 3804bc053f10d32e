"""Tasks in the traces of the calls that asked for them."""

import contextlib
from collections import Counter
from collections.abc import Iterable, Iterator

from shared import tracing


@contextlib.contextmanager
def taking_in(project: str, traces: Iterable[str | None]) -> Iterator[str | None]:
    """Make a span of one intake in each trace that its tasks came with.

    Gives the traceparent for the tasks that came without one; None while traces are off.
    """
    if not tracing.is_on():
        yield None
        return
    # Calls share a request: each of them sees how long its own tasks took.
    counted = Counter(traces)
    with contextlib.ExitStack() as stack:
        own = None
        if None in counted:
            stack.enter_context(_span(project, None, counted.pop(None)))
            own = tracing.traceparent()
        for trace, tasks in counted.items():
            stack.enter_context(_span(project, trace, tasks))
        yield own


def _span(project: str, trace: str | None, tasks: int) -> contextlib.AbstractContextManager[None]:
    return tracing.span("tasks", kind="server", parent=trace, project=project, tasks=tasks)
