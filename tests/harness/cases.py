"""Cases of tests with several."""

from typing import Any

import pytest


def further(*cases: Any) -> list[Any]:
    """Cases that `make test-thorough` alone runs; `make test` runs the plainest of the test."""
    return [
        pytest.param(*(case if isinstance(case, tuple) else (case,)), marks=pytest.mark.thorough)
        for case in cases
    ]
