"""One of several workers of a service: ``python -m services.worker SERVICE NUMBER PIPE``.

`services.workers` starts it, and is told through the pipe once it listens.
"""

import os
import sys

from shared.metrics import use_files_of
from shared.settings import CommonSettings, load_settings


def main(service: str, number: int, pipe: int) -> int:
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
        serve(service, common, settings, shared=True, on_started=on_started)
        return 0

    return exit_status(run)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3])))
