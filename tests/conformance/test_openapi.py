"""Requests drawn from each service's own OpenAPI document, right ones and wrong ones.

Every operation that a service serves is tried, whatever it is: a new route is covered by being
there. No answer may be a fault of ours, or one that the document does not declare; and where it
asks for a token, nothing is answered without one.
"""

from typing import Any

import httpx
import pytest
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
from tests.conformance.known import Known
from tests.harness.installation import SERVICES, Launched

EXAMPLES = 25
AnyCase = Case[Any]


def no_fault_of_ours(_: CheckContext, response: Response, case: AnyCase) -> None:
    """Fail on a 5xx, but for a 503 that says when to come again: that is how things stand."""
    if response.status_code == httpx.codes.SERVICE_UNAVAILABLE:
        assert "retry-after" in response.headers, case.operation.label
    else:
        assert response.status_code < httpx.codes.INTERNAL_SERVER_ERROR, case.operation.label


CHECKS = [
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


def takes_away(operation: Any) -> bool:
    """Say whether an operation ends what other operations need."""
    erases = operation.method == "delete" and operation.path.endswith("/items/{item_id}")
    return erases or bool(operation.path.endswith("/unload"))


def impatient(case: AnyCase) -> AnyCase:
    """Let the request wait for next to nothing."""
    parts: list[Any] = [case.query, case.body]
    for part in parts:
        wanted = part.get("wait_seconds") if isinstance(part, dict) else None
        if isinstance(wanted, int | float):
            part["wait_seconds"] = min(wanted, LONGEST_WAIT)
    return case


@pytest.mark.parametrize("service", SERVICES)
def test_every_answer_is_one_that_the_document_declares(
    service: str, installation: Launched
) -> None:
    schema = schemathesis.openapi.from_url(f"{installation.address(service)}/openapi.json")
    known = Known(installation)
    faults: list[Exception] = []
    operations = []
    for result in schema.get_all_operations():
        assert isinstance(result, Ok), result
        operations.append(result.ok())
    # What takes a thing away comes last, or the others would find nothing.
    for operation in sorted(operations, key=takes_away):
        try:
            conforms(cases(operation, known), tokens(installation))
        except Exception as fault:  # noqa: BLE001 - all operations are tried, then all faults told
            fault.add_note(operation.label)
            faults.append(fault)
    if faults:
        raise ExceptionGroup(f"{service} does otherwise than it says", faults)


def conforms(cases: st.SearchStrategy[AnyCase], tokens: st.SearchStrategy[str]) -> None:
    """Send drawn requests and check the answers."""

    @settings(
        max_examples=EXAMPLES,
        derandomize=True,
        deadline=None,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=cases, token=tokens)
    def send(case: AnyCase, token: str) -> None:
        headers = {"Authorization": f"Bearer {token}"}
        impatient(case).call_and_validate(headers=headers, checks=CHECKS)

    send()
