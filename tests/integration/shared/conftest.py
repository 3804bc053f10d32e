"""Fixtures of the common HTTP face."""

import pytest

from tests.integration.shared.sockets import Seen


@pytest.fixture
def seen() -> Seen:
    """Return what the application has seen: nothing yet."""
    return Seen()
