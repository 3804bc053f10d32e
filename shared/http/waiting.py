"""What a request that waits must know: its client may leave, and its server may stop."""

from starlette.types import Receive

# Key in the lifespan's state by which a server finds the event that it sets when it stops.
STOPPING = "stopping"


async def disconnected(receive: Receive) -> None:
    """Return once the client has left; for a request whose body has been read."""
    while (await receive())["type"] != "http.disconnect":
        pass
