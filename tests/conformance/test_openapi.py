"""Requests drawn from each service's own OpenAPI document, right ones and wrong ones.

Every operation that a service serves is tried, whatever it is: a new route is covered by being
there. No answer may be a fault of ours, or one that the document does not declare; and where it
asks for a token, nothing is answered without one.
"""

import pytest

from tests.conformance.drawing import (
    cases,
    conforms,
    conforms_with_deep_bodies,
    conforms_with_each_header,
    operations_of,
    tokens,
    told_together,
)
from tests.conformance.known import Known
from tests.harness.installation import SERVICES, Launched

pytestmark = pytest.mark.thorough

EXAMPLES = 8
DEEP_EXAMPLES = 2


@pytest.mark.parametrize("service", SERVICES)
def test_every_answer_is_one_that_the_document_declares(
    service: str, installation: Launched
) -> None:
    known = Known(installation)
    operator = installation.token("operator")
    with told_together(service) as trying:
        for operation in operations_of(service, installation):
            with trying(operation):
                conforms(cases(operation, known), tokens(installation), EXAMPLES)
                conforms_with_each_header(operation, known, operator)
                conforms_with_deep_bodies(operation, known, operator, DEEP_EXAMPLES)
