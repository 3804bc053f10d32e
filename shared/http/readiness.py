"""`/readyz`: whether this replica can serve, and which of its parts do not work meanwhile."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

import orjson
import structlog
from fastapi import Response

from shared.logs import check_log

log = structlog.get_logger()

# Returns what is wrong, by part; empty when nothing is.
Check = Callable[[], Awaitable[Mapping[str, str]]]
Checks = Mapping[str, Check]
Facts = Callable[[], Mapping[str, Any]]

# Probes allow one second by default. A check that takes longer counts as its last result for some
# seconds, and is given up after more of them.
_ANSWER_SECONDS = 0.7
_TOLERATED_SECONDS = 4.0
_GIVE_UP_SECONDS = 10.0


class Readiness:
    """Answers `/readyz`, within a second even while a dependency hangs.

    Parameters
    ----------
    missing
        Checks of what the replica cannot serve without: any finding makes it not ready (503).
    degraded
        Checks of what it serves without, less well: findings are listed, the status stays 200.
    facts
        More members of the answer, neither good nor bad.
    """

    def __init__(
        self,
        service: str,
        stopping: asyncio.Event,
        missing: Checks,
        degraded: Checks,
        facts: Facts = dict,
    ) -> None:
        self._service = service
        self._stopping = stopping
        self._facts = facts
        self._missing = [_Watched(name, check) for name, check in missing.items()]
        self._degraded = [
            _Watched(name, check) for name, check in {"log": check_log, **degraded}.items()
        ]

    async def answer(self) -> Response:
        """Make all checks at the same time, and return the response."""
        if self._stopping.is_set():
            return self._response({"service": "is stopping"}, {})
        missing, degraded = await asyncio.gather(_found(self._missing), _found(self._degraded))
        return self._response(missing, degraded)

    def _response(self, missing: Mapping[str, str], degraded: Mapping[str, str]) -> Response:
        body: dict[str, Any] = {
            "ready": not missing,
            "service": self._service,
            "missing": missing,
            "degraded": [{"part": part, "detail": detail} for part, detail in degraded.items()],
            **self._facts(),
        }
        return Response(orjson.dumps(body), 503 if missing else 200, media_type="application/json")


class _Watched:
    """One check: made once at a time, however many requests come meanwhile."""

    def __init__(self, name: str, check: Check) -> None:
        self._name = name
        self._check = check
        self._found: Mapping[str, str] | None = None
        self._began = 0.0
        self._under_way: asyncio.Task[None] | None = None

    async def findings(self) -> Mapping[str, str]:
        if self._under_way is None or self._under_way.done():
            self._began = time.monotonic()
            self._under_way = asyncio.create_task(self._look())
        await asyncio.wait([self._under_way], timeout=_ANSWER_SECONDS)
        waited = time.monotonic() - self._began
        if not self._under_way.done() and (self._found is None or waited > _TOLERATED_SECONDS):
            return {self._name: f"has not answered for {waited:.0f} s"}
        return self._found or {}

    async def _look(self) -> None:
        try:
            async with asyncio.timeout(_GIVE_UP_SECONDS):
                self._found = await self._check()
        except TimeoutError:
            self._found = {self._name: f"did not answer within {_GIVE_UP_SECONDS:.0f} s"}
        except Exception as error:
            log.exception("readiness_check_failed", check=self._name)
            self._found = {self._name: f"cannot be checked: {type(error).__name__}"}


async def _found(checks: Sequence[_Watched]) -> dict[str, str]:
    found = await asyncio.gather(*(check.findings() for check in checks))
    return {part: detail for findings in found for part, detail in findings.items()}
