"""Print a CSV of made-up shop reviews, to follow the tutorial without data of one's own.

With ``--labelled`` it has other reviews, each with its label.
"""

import csv
import itertools
import random
import sys

THINGS = ["kettle", "lamp", "jacket", "keyboard", "backpack", "blender", "chair", "watch"]
GOOD = ["works perfectly", "arrived early", "is lovely", "feels solid", "was worth every cent"]
BAD = ["broke after a day", "never arrived", "smells awful", "came damaged", "stopped charging"]
ENDINGS = ["", " Would buy again.", " Asked for a refund.", " Second one I own.", " Sent it back."]


def reviews() -> list[tuple[str, str]]:
    """Return all reviews with their labels, in an order that is random and always the same."""
    every = [
        (f"The {thing} {what}.{ending}", "happy" if what in GOOD else "unhappy")
        for thing, what, ending in itertools.product(THINGS, GOOD + BAD, ENDINGS)
    ]
    # What a person understands, and a bag of words does not.
    every += [
        (f"The {thing} {good}, but {bad}.", "unhappy")
        for thing, good, bad in itertools.product(THINGS, GOOD, BAD)
    ]
    random.Random(7).shuffle(every)
    return every


def main(rows: int = 240) -> None:
    """Write `rows` distinct reviews to standard output."""
    table = csv.writer(sys.stdout)
    if "--labelled" in sys.argv:
        table.writerow(["text", "label"])
        table.writerows(reviews()[rows : 2 * rows])
        return
    table.writerow(["item_id", "text"])
    chosen = reviews()[:rows]
    table.writerows((f"review-{number}", text) for number, (text, _) in enumerate(chosen, start=1))


if __name__ == "__main__":
    main()
