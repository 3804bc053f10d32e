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
        # A span without a parent comes first: it would be a child of any span before it.
        for trace in sorted(counted, key=bool):
            tasks = counted[trace]
            span = tracing.span("tasks", kind="server", parent=trace, project=project, tasks=tasks)
            stack.enter_context(span)
            own = own if trace else tracing.traceparent()
        yield own
