"""Signs of life that a supervised process gives: its event loop writes a byte each second."""

import asyncio
import os

BEAT_SECONDS = 1.0
OPTION = "--heartbeat"


def beat(pipe: int | None) -> None:
    """Begin to write into `pipe` from the running event loop, for as long as the loop runs.

    None stands for a process without a supervisor.
    """
    if pipe is None:
        return
    os.set_blocking(pipe, False)
    loop = asyncio.get_running_loop()

    def write() -> None:
        try:
            os.write(pipe, b".")
        except BlockingIOError:
            # The supervisor does not read: there is nothing to tell it.
            pass
        except OSError:
            return
        loop.call_later(BEAT_SECONDS, write)

    write()
