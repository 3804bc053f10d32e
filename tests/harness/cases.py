"""Which cases of a parametrized test run when."""

from typing import Any

import pytest


def further(*cases: Any) -> list[Any]:
    """Return parameters that only `make test-thorough` runs."""
    return [
        pytest.param(*(case if isinstance(case, tuple) else (case,)), marks=pytest.mark.thorough)
        for case in cases
    ]
