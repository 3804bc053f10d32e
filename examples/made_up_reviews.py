"""Print a CSV of made-up shop reviews, to follow the tutorial without data of one's own."""

import csv
import itertools
import random
import sys

THINGS = ["kettle", "lamp", "jacket", "keyboard", "backpack", "blender", "chair", "watch"]
GOOD = ["works perfectly", "arrived early", "is lovely", "feels solid", "was worth every cent"]
BAD = ["broke after a day", "never arrived", "smells awful", "came damaged", "stopped charging"]
ENDINGS = ["", " Would buy again.", " Asked for a refund.", " Second one I own.", " Sent it back."]


def main(rows: int = 240) -> None:
    """Write `rows` distinct reviews to standard output."""
    every = [
        f"The {thing} {what}.{ending}"
        for thing, what, ending in itertools.product(THINGS, GOOD + BAD, ENDINGS)
    ]
    # What a person understands, and a bag of words does not.
    every += [
        f"The {thing} {good}, but {bad}."
        for thing, good, bad in itertools.product(THINGS, GOOD, BAD)
    ]
    chosen = random.Random(7).sample(every, rows)
    table = csv.writer(sys.stdout)
    table.writerow(["item_id", "text"])
    table.writerows((f"review-{number}", text) for number, text in enumerate(chosen, start=1))


if __name__ == "__main__":
    main()
