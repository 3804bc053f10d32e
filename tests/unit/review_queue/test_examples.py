import doctest
from types import ModuleType

import pytest

from services.review_queue.quality.agreement import coefficients
from services.review_queue.quality.gold import choosing
from services.review_queue.quality.reviewers import trust
from shared import label_errors


@pytest.mark.parametrize("module", [choosing, coefficients, label_errors, trust])
def test_examples_in_the_docstrings_are_true(module: ModuleType) -> None:
    result = doctest.testmod(module)
    assert result.attempted > 0
    assert result.failed == 0
