"""`/metrics`: who may read which of them."""

import asyncio
import hmac

from fastapi import APIRouter, Request, Response

from shared.auth import Verifier
from shared.metrics import exposition
from shared.problems import Unauthorized, declare

_READS_ALL = frozenset({"operator", "service"})


def metrics_router(verifier: Verifier, metrics_token: str) -> APIRouter:
    """Return the route of `/metrics`.

    The metrics token, and tokens of operators and services, read all metrics. Without one of them
    the response leaves out what is confidential; if a metrics token is set, it is 401.
    """
    router = APIRouter(tags=["health"])
    expected = f"Bearer {metrics_token}".encode()

    @router.get(
        "/metrics",
        summary="Prometheus metrics",
        response_class=Response,
        responses=declare(Unauthorized),
    )
    async def metrics(request: Request) -> Response:
        header = request.headers.get("authorization", "")
        whole = bool(metrics_token) and hmac.compare_digest(header.encode(), expected)
        whole = whole or _may_read_all(verifier, header)
        if metrics_token and not whole:
            raise Unauthorized("Send SUREHAND_METRICS_TOKEN, or an operator's token, as bearer.")
        accepted = request.headers.get("accept", "")
        text, media_type = await asyncio.to_thread(exposition, accepted, whole=whole)
        return Response(text, media_type=media_type)

    return router


def _may_read_all(verifier: Verifier, header: str) -> bool:
    try:
        return verifier.verify_header(header).role in _READS_ALL
    except Unauthorized:
        return False
