"""Requests for each operation of a service, drawn from its own OpenAPI document, and the checks."""

import contextlib
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from typing import Any

import httpx
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from schemathesis import Case, GenerationMode
from schemathesis.checks import (
    CheckContext,
    content_type_conformance,
    ignored_auth,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)
from schemathesis.core.result import Ok
from schemathesis.core.transport import Response

from shared.auth import Keys
from tests.conformance.hostile import READ_HEADERS, deep_bodies, headers
from tests.conformance.known import Known
from tests.harness.installation import Launched

AnyCase = Case[Any]
UNAVAILABLE = "urn:surehand:problem:unavailable"


def no_fault_of_ours(_: CheckContext, response: Response, case: AnyCase) -> None:
    """Fail on a 5xx, but for a 503 that says when to come again: that is how things stand."""
    if response.status_code == httpx.codes.SERVICE_UNAVAILABLE:
        # Probes come again by themselves.
        is_probe = "ready" in case.operation.path
        assert is_probe or "retry-after" in response.headers, case.operation.label
    else:
        assert response.status_code < httpx.codes.INTERNAL_SERVER_ERROR, case.operation.label


def nothing_is_away(_: CheckContext, response: Response, case: AnyCase) -> None:
    """Fail on the answer that means an outage: for installations in which nothing is away."""
    if response.status_code == httpx.codes.SERVICE_UNAVAILABLE:
        kind = response.json().get("type")
        assert kind != UNAVAILABLE, (case.operation.label, response.text)


# What takes longer hangs, on however busy a machine.
_PATIENT_SECONDS = 120
_CHECKS = [
    no_fault_of_ours,
    ignored_auth,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]
# A long poll may take as long as it was asked to, which tells nothing new.
LONGEST_WAIT = 0.05


@schemathesis.serializer("application/x-ndjson", "application/vnd.apache.parquet")
def lines(_: Any, value: Any) -> bytes:
    """Send lines as they are."""
    return str(value).encode(errors="replace")


def tokens(installation: Launched) -> st.SearchStrategy[str]:
    """Mostly the one that may do everything; also others, and what is none."""
    keys = Keys(installation.home / "keys")
    others = [keys.issue("reviewer", "r"), keys.issue("operator", "o", projects=["another"]), "?"]
    return st.sampled_from([installation.token("operator")] * 9 + others)


def cases(operation: Any, known: Known) -> st.SearchStrategy[AnyCase]:
    """Requests for things that are there, for any, and such as the document does not allow."""
    there = known.path_parameters(operation)
    drawn = [
        operation.as_strategy(path_parameters=there),
        operation.as_strategy(),
        operation.as_strategy(GenerationMode.NEGATIVE, path_parameters=there),
    ]
    if (bodies := known.bodies(operation)) is not None:
        kinds = st.sampled_from(operation.get_request_payload_content_types())
        sensible = st.tuples(bodies, kinds).flatmap(
            lambda drawn: operation.as_strategy(
                path_parameters=there, body=drawn[0], media_type=drawn[1]
            )
        )
        drawn += [sensible, sensible]
    return st.one_of(drawn)


def place_of(operation: Any) -> int:
    """Return 1 if an operation ends what others need, 2 if it gives that back, else 0."""
    erases = operation.method == "delete" and operation.path.endswith("/items/{item_id}")
    if erases or operation.path.endswith(("/unload", "/archive")):
        return 1
    return 2 if operation.path.endswith("/unarchive") else 0


def impatient(case: AnyCase) -> AnyCase:
    """Let the request wait for next to nothing."""
    parts: list[Any] = [case.query, case.body]
    for part in parts:
        wanted = part.get("wait_seconds") if isinstance(part, dict) else None
        if isinstance(wanted, int | float):
            part["wait_seconds"] = min(wanted, LONGEST_WAIT)
    return case


@contextlib.contextmanager
def told_together(what: str) -> Iterator[Callable[[Any], AbstractContextManager[None]]]:
    """Let all operations be tried, then tell all faults."""
    faults: list[Exception] = []

    @contextlib.contextmanager
    def trying(operation: Any) -> Iterator[None]:
        try:
            yield
        except Exception as fault:  # noqa: BLE001 - told at the end
            fault.add_note(operation.label)
            faults.append(fault)

    yield trying
    if faults:
        raise ExceptionGroup(f"{what} does otherwise than it says", faults)


def operations_of(service: str, installation: Launched) -> Iterator[Any]:
    """Give every operation that a service serves; what takes a thing away comes late."""
    schema = schemathesis.openapi.from_url(f"{installation.address(service)}/openapi.json")
    operations = []
    for result in schema.get_all_operations():
        assert isinstance(result, Ok), result
        operations.append(result.ok())
    yield from sorted(operations, key=place_of)


def conforms(
    cases: st.SearchStrategy[AnyCase],
    tokens: st.SearchStrategy[str],
    most: int,
    *,
    is_healthy: bool = True,
) -> None:
    """Send so many drawn requests and check the answers."""
    checks = [*_CHECKS, nothing_is_away] if is_healthy else _CHECKS

    @_settings(most)
    @given(case=cases, token=tokens, more=headers())
    def send(case: AnyCase, token: str, more: dict[str, str]) -> None:
        sent = {**more, "Authorization": f"Bearer {token}"}
        impatient(case).call_and_validate(headers=sent, checks=checks, timeout=_PATIENT_SECONDS)

    send()


def conforms_with_each_header(operation: Any, known: Known, token: str) -> None:
    """Send every header that is known to be read once, and check the answers."""
    there = _path_parameters(operation, known)
    for name, values in READ_HEADERS.items():
        for value in values:
            _send(operation, there, token, {name: value})


def conforms_with_deep_bodies(operation: Any, known: Known, token: str, most: int) -> None:
    """Send JSON that nests deep to an operation with a body, and check the answers."""
    kinds = [kind for kind in operation.get_request_payload_content_types() if "json" in kind]
    if not kinds:
        return
    there, bodies = _path_parameters(operation, known), known.bodies(operation)
    if bodies is None:
        bodies = st.just({"a": 1})

    @_settings(most)
    @given(kind=st.sampled_from(kinds), body=deep_bodies(bodies))
    def send(kind: str, body: bytes) -> None:
        _send(operation, there, token, {"Content-Type": kind}, body)

    send()


def _path_parameters(operation: Any, known: Known) -> dict[str, str]:
    names = (one.name for one in operation.path_parameters)
    return dict.fromkeys(names, "shop") | known.path_parameters(operation)


def _send(
    operation: Any, there: dict[str, str], token: str, more: dict[str, str], body: bytes = b""
) -> None:
    case = operation.Case(path_parameters=there)
    sent = {**more, "Authorization": f"Bearer {token}"}
    response = case.call(data=body, headers=sent, timeout=_PATIENT_SECONDS)
    case.validate_response(
        response, checks=[no_fault_of_ours, nothing_is_away, status_code_conformance]
    )


def _settings(most: int) -> settings:
    return settings(
        max_examples=most,
        derandomize=True,
        deadline=None,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
