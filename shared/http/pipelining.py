"""Reading from a client that sends requests before it has read the answers to those before."""

import asyncio
from collections.abc import Sized

from uvicorn.protocols.http.flow_control import FlowControl


class PipelineFlow(FlowControl):
    """Reads nothing while requests wait in `pipeline`.

    uvicorn reads on after each answer: one small request that is answered makes room for the
    thousands of the next read.
    """

    def __init__(self, transport: asyncio.Transport, pipeline: Sized) -> None:
        super().__init__(transport)
        self._pipeline = pipeline

    def resume_reading(self) -> None:
        """Read on, unless requests wait."""
        if self.read_paused and not self._pipeline:
            super().resume_reading()
