"""One of several workers of a service.

``python -m services.worker SERVICE NUMBER --heartbeat FD``, by `services.workers`, which hears by
the heartbeat that it listens.
"""

import argparse
import sys

from services.supervisor import OPTION
from shared.metrics import use_files_of
from shared.settings import CommonSettings, load_settings


def main(service: str, number: int, heartbeat: int) -> int:
    """Serve until SIGTERM; return the exit status."""
    use_files_of(number)
    from services.serving import (  # noqa: PLC0415 - declares metrics
        exit_status,
        load_service_settings,
        serve,
    )

    def run() -> int:
        common = load_settings(CommonSettings)
        settings = load_service_settings(service)
        serve(service, common, settings, shared=True, heartbeat=heartbeat)
        return 0

    return exit_status(run)


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("service")
    parser.add_argument("number", type=int)
    parser.add_argument(OPTION, type=int, required=True, dest="heartbeat")
    sys.exit(main(**vars(parser.parse_args())))
