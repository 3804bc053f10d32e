"""All parts of the science, or one of them by its name.

    python -m bench science certify --runs 100

Parts: ``certify``, ``sequential``, ``audits``, ``deployments``, ``label-noise``, ``rivals``,
``near-copies``, ``capacity``, ``consensus``.
Options are those of the part.
"""

from collections.abc import Callable

from bench.science import (
    audits,
    capacity,
    certify,
    consensus,
    deployments,
    label_noise,
    near_copies,
    rivals,
    sequential,
)

PARTS: dict[str, Callable[[list[str]], None]] = {
    "certify": certify.main,
    "sequential": sequential.main,
    "audits": audits.main,
    "deployments": deployments.main,
    "label-noise": label_noise.main,
    "rivals": rivals.main,
    "near-copies": near_copies.main,
    "capacity": capacity.main,
    "consensus": consensus.main,
}


def main(arguments: list[str]) -> None:
    """Print the tables of the part that is named first, or all of them."""
    if arguments and arguments[0] in PARTS:
        PARTS[arguments[0]](arguments[1:])
        return
    if arguments:
        raise SystemExit(f"parts of the science: {', '.join(PARTS)}")
    for part in PARTS.values():
        part([])
        print(flush=True)
