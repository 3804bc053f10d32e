"""Leases and verdicts, nearly all of the traffic, answered in front of FastAPI."""

import re
from functools import partial
from typing import TypeVar

from pydantic import BaseModel, ValidationError

from services.review_queue.lifecycle.claims import ClaimService
from services.review_queue.lifecycle.moves import MoveService
from shared.auth import permitted
from shared.contracts.base import PROJECT_PATTERN
from shared.contracts.tasks import LeaseRequest, VerdictBody
from shared.http.body import parse_json
from shared.http.front import JSON, Answer, Call, RequestHeaders, Way, is_json
from shared.problems import Unprocessable
from shared.problems.faults import faults_of

Body = TypeVar("Body", bound=BaseModel)

_ROLES = permitted("reviewer")


def _is_lease(project: str, headers: RequestHeaders) -> bool:
    return re.fullmatch(PROJECT_PATTERN, project) is not None and is_json(project, headers)


async def _lease(call: Call) -> Answer:
    asked = _read(LeaseRequest, call.body)
    claims: ClaimService = call.state.services[ClaimService]
    return _answer(
        await claims.lease(call.word, call.caller.subject, asked, partial(_is_gone, call))
    )


async def _verdict(call: Call) -> Answer:
    moves: MoveService = call.state.services[MoveService]
    return _answer(await moves.submit(call.word, _read(VerdictBody, call.body), call.caller))


async def _is_gone(call: Call) -> bool:
    return call.client.gone or call.state.stopping.is_set()


def _read(kind: type[Body], body: bytes) -> Body:
    try:
        return kind.model_validate(parse_json(body))
    except ValidationError as error:
        raise Unprocessable(faults_of(error)) from error


def _answer(message: BaseModel) -> Answer:
    return [(b"content-type", JSON)], message.model_dump_json().encode()


WAYS = (
    Way("/v1/projects/{project}/leases", _ROLES, _lease, takes=_is_lease),
    Way("/v1/leases/{token}/verdict", _ROLES, _verdict),
)
