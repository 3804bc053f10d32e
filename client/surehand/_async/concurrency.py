"""What asyncio and threads do differently. This module is written twice, by hand."""

import asyncio


async def sleep(seconds: float) -> None:
    """Wait without blocking the event loop."""
    await asyncio.sleep(seconds)
