"""What a request that waits must know: its client may leave, and its server may stop."""

from contextvars import ContextVar

from starlette.types import Receive

# Key in a request's scope by which its server says whether the client is still there.
CLIENT = "surehand.client"
# Key in the lifespan's state by which a server finds the event that it sets when it stops.
STOPPING = "stopping"


class Client:
    """The other end of a connection; `gone` once the connection is lost."""

    __slots__ = ("gone",)

    def __init__(self) -> None:
        self.gone = False


_CLIENT: ContextVar[Client | None] = ContextVar("client", default=None)


def enter_request(client: Client | None) -> None:
    """Let what waits in this task's context ask for the client of its request."""
    _CLIENT.set(client)


def current_client() -> Client | None:
    """Return the client of the request that this task works for; None where it is unknown.

    Only for work that is worth nothing without its client, and that has changed nothing yet.
    """
    return _CLIENT.get()


async def disconnected(receive: Receive) -> None:
    """Return once the client has left; for a request whose body has been read."""
    while (await receive())["type"] != "http.disconnect":
        pass
