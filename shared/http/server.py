"""The server that every service runs on."""

import asyncio
import socket

import uvicorn

from shared.http.waiting import STOPPING


class Server(uvicorn.Server):
    """A server that tells its application that it is about to stop.

    Long-polls would outlast any grace; once told, they answer with the state as it stands.
    """

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Tell the application, then wait until the requests under way are answered."""
        stopping: asyncio.Event | None = self.lifespan.state.get(STOPPING)
        if stopping is not None:
            stopping.set()
        await super().shutdown(sockets)
