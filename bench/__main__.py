"""What is measured: ``python -m bench`` runs all, ``python -m bench PART`` one part alone.

``science``: how often certification keeps its promise. ``serving``: the router beside its peers.
``soak``, only when it is named: the router at half capacity for half an hour.
"""

import sys
from collections.abc import Callable

from bench.science import certify
from bench.serving import main as serving

PARTS: dict[str, Callable[[list[str]], None]] = {
    "science": certify.main,
    "serving": serving.serving,
    "soak": serving.soaking,
}
ALL = ("science", "serving")


def main(arguments: list[str]) -> int:
    """Run what is asked for; return the exit status."""
    if not arguments:
        for part in ALL:
            PARTS[part]([])
        return 0
    part, *rest = arguments
    if part not in PARTS:
        print(f"{__doc__}\nThere is no part {part!r}: say one of {', '.join(PARTS)}.")
        return 2
    PARTS[part](rest)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
