"""What asyncio and threads do differently. This module is written twice, by hand."""

import time


def sleep(seconds: float) -> None:
    """Wait; other threads run on."""
    time.sleep(seconds)
