"""One of several workers of a service.

``python -m services.worker SERVICE NUMBER PIPE [--heartbeat FD]``, by `services.workers`, which is
told through the pipe once it listens.
"""

import argparse
import os
import sys

from services.heartbeats import OPTION
from shared.metrics import use_files_of
from shared.settings import CommonSettings, load_settings


def main(service: str, number: int, pipe: int, heartbeat: int | None) -> int:
    """Serve until SIGTERM; return the exit status."""
    use_files_of(number)
    from services.serving import (  # noqa: PLC0415 - declares metrics
        exit_status,
        load_service_settings,
        serve,
    )

    def on_started() -> None:
        os.write(pipe, bytes([number]))
        os.close(pipe)

    def run() -> int:
        common = load_settings(CommonSettings)
        settings = load_service_settings(service)
        serve(*(service, common, settings), shared=True, on_started=on_started, heartbeat=heartbeat)
        return 0

    return exit_status(run)


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("service")
    parser.add_argument("number", type=int)
    parser.add_argument("pipe", type=int)
    parser.add_argument(OPTION, type=int, dest="heartbeat")
    sys.exit(main(**vars(parser.parse_args())))
