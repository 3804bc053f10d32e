"""What routes depend on: the wired use cases, the caller by role, and whether the client waits."""

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

from fastapi import Depends, Query, Request
from starlette.convertors import PathConvertor, register_url_convertor

from shared.auth import Principal, allow

Service = TypeVar("Service")


class _AnyText(PathConvertor):
    # Starlette's own stops at a line's end, so that no route would say what is wrong with it.
    regex = r"(?s:.*)"


register_url_convertor("text", _AnyText())
ITEM_ID = "{item_id:text}"
"""A path parameter that may be any text, percent-encoded."""


class Services:
    """A service's use cases, one object for each class: ``services[Kind]`` is that of `Kind`."""

    def __init__(self, *services: object) -> None:
        self._by_class: dict[type, Any] = {type(one): one for one in services}

    def __getitem__(self, kind: type[Service]) -> Service:
        """Return the object of a class."""
        service: Service = self._by_class[kind]
        return service


if TYPE_CHECKING:
    Injected = Annotated[Service, None]
else:

    class Injected:
        """A parameter's type: ``Injected[Kind]`` is the instance of `Kind` that the app wired."""

        def __class_getitem__(cls, kind: type) -> Any:
            """Return `kind`, to be found in ``app.state.services``, a mapping by class."""

            async def dependency(request: Request) -> object:
                return request.app.state.services[kind]

            return Annotated[kind, Depends(dependency)]


async def gone_of(request: Request) -> Callable[[], Awaitable[bool]]:
    """Return a check that says whether the client has left, or the service stops."""

    async def gone() -> bool:
        return request.app.state.stopping.is_set() or await request.is_disconnected()

    return gone


ByOperator = Annotated[Principal, Depends(allow())]
ByReviewer = Annotated[Principal, Depends(allow("reviewer"))]
ByService = Annotated[Principal, Depends(allow("service"))]
ByServiceOrCaller = Annotated[Principal, Depends(allow("service", "caller"))]
ByAnyRole = Annotated[Principal, Depends(allow("service", "caller", "reviewer"))]
IsGone = Annotated[Callable[[], Awaitable[bool]], Depends(gone_of)]
WaitSeconds = Annotated[
    float, Query(ge=0, le=60, description="How long to wait while there is nothing to tell.")
]
