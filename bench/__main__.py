"""What is measured: ``python -m bench`` runs all, ``python -m bench PART`` one part alone.

``science``: how often certification keeps its promise, and what a label costs. ``serving``: the
router beside its peers. Only when they are named: ``review-queue``, the review queue beside its own
peers; ``soak``, the router at half capacity for half an hour; ``reloads``, its memory over many
reloads; ``exchange``, import and export of a million tasks; ``idle``, what idle projects cost;
``promotion``, from the last verdict to a new version; ``label-efficiency``, labels that a strategy
saves; ``first-page``, the console's first page over a million tasks; ``recipes``, what each recipe
makes of the same labels, and what `auto` chooses; ``weights``, what weights of labels do; ``pool``,
a pool of a million items: import, selection and automatic labels; ``first-labels``, how far
suspects among the first labels can be trusted.
"""

import argparse
import sys
from collections.abc import Callable

from bench import exchange, first_labels, promotion, recipes, reloads, weights
from bench.first_page import main as first_page
from bench.idle import main as idle
from bench.label_efficiency import main as label_efficiency
from bench.pool import main as pool
from bench.review_queue import main as review_queue
from bench.science import main as science
from bench.serving import main as serving

PARTS: dict[str, Callable[[list[str]], None]] = {
    "science": science.main,
    "serving": serving.serving,
    "review-queue": review_queue.main,
    "soak": serving.soaking,
    "reloads": reloads.main,
    "exchange": exchange.main,
    "idle": idle.main,
    "promotion": promotion.main,
    "label-efficiency": label_efficiency.main,
    "first-page": first_page.main,
    "recipes": recipes.main,
    "weights": weights.main,
    "pool": pool.main,
    "first-labels": first_labels.main,
}
ALL = ("science", "serving")


def main(arguments: list[str]) -> None:
    """Run what is asked for."""
    if not arguments:
        for part in ALL:
            PARTS[part]([])
        return
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("part", choices=PARTS, help="without it, science and serving")
    parser.add_argument("options", nargs=argparse.REMAINDER, help="of the part: PART --help")
    asked = parser.parse_args(arguments)
    PARTS[asked.part](asked.options)


if __name__ == "__main__":
    main(sys.argv[1:])
