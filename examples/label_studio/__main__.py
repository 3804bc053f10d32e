"""People label in Label Studio; Surehand learns from it and pre-annotates the rest.

Usage: python -m examples.label_studio [FOLDER] [LABEL_STUDIO_VERSION]

Installs Label Studio into FOLDER (a temporary one unless given), starts it and a Surehand of its
own, and stops both. Nothing else on the machine is touched.
"""

import itertools
import random
import sys
import tempfile
from pathlib import Path

from examples.label_studio.servers import Services, label_studio, services, wait_until
from examples.label_studio.studio import Studio
from examples.made_up_reviews import BAD, ENDINGS, GOOD, THINGS
from surehand import Surehand

VERSION = "1.23.2"
PROJECT = "reviews"
SPEC = {
    "labels": ["happy", "unhappy"],
    "fields": {"text": {"type": "text"}},
    # A run starts when Label Studio says so, not by itself.
    "training": {"min_new_labels": 100_000},
}
LABELLED, REST = 60, 40


def reviews() -> list[tuple[str, str]]:
    """Return made-up reviews, each with its true label, in a random order."""
    every = [
        (f"The {thing} {what}.{ending}", "happy" if what in GOOD else "unhappy")
        for thing, what, ending in itertools.product(THINGS, GOOD + BAD, ENDINGS)
    ]
    return random.Random(7).sample(every, LABELLED + REST)


def tell(studio: Studio, client: Surehand, at: Services) -> None:
    """Tell the story once."""
    client.projects.put(PROJECT, SPEC)
    backend = studio.connect(f"{at.router}/label-studio/{PROJECT}", at.token)
    say(f"backend: {backend['readable_state']} at /label-studio/{PROJECT}")

    chosen = reviews()
    tasks = studio.bring([text for text, _ in chosen])
    annotations = [
        studio.annotate(task, label)
        for task, (_, label) in zip(tasks[:LABELLED], chosen, strict=False)
    ]
    first = f"label-studio-{tasks[0]}"
    wait_until(lambda: outcomes(client) == LABELLED, "the annotations to arrive")
    say(f"{len(tasks)} tasks, {LABELLED} annotated in Label Studio")
    say(f"outcomes at the review queue: {outcomes(client)}; that of {first}:")
    say(f"  {verdict(client, first)}")

    studio.train()
    wait_until(lambda: client.model(PROJECT).serving == "v1", "the first version")
    say("START_TRAINING: v1 trained on them, and serves")

    studio.pre_annotate()
    wait_until(lambda: studio.prediction(tasks[-1]) is not None, "pre-annotations")
    found = [studio.prediction(task) for task in tasks[LABELLED:]]
    right = sum(
        prediction is not None and prediction["result"][0]["value"]["choices"] == [label]
        for prediction, (_, label) in zip(found, chosen[LABELLED:], strict=True)
    )
    say(f"pre-annotations on the other {REST}: {right} right; that of task {tasks[-1]}:")
    last = found[-1] or {}
    said = last["result"][0]["value"]["choices"]
    say(f"  {chosen[-1][0]!r} is {said}, score {last['score']:.3f}, {last['model_version']}")

    other = next(label for label in SPEC["labels"] if label != chosen[0][1])
    studio.change(annotations[0], other)
    wait_until(lambda: verdict(client, first)["label"] == other, "the correction")
    say(f"annotation changed in Label Studio: {verdict(client, first)}")


def outcomes(client: Surehand) -> int:
    """Return how many outcomes there are."""
    return len(client.outcomes(PROJECT).read().outcomes)


def verdict(client: Surehand, item_id: str) -> dict[str, object]:
    """Return label, revision and reviewer of an item's outcome."""
    outcome = client.outcomes(PROJECT).get(item_id)
    task = client.tasks.get(PROJECT, outcome.task_id)
    answered = [line.actor for line in task.timeline if line.kind == "verdict"]
    return {
        "label": outcome.label,
        "revision": outcome.revision,
        "reviewer": answered[-1] if answered else None,
    }


def say(sentence: str) -> None:
    """Print a sentence at once."""
    sys.stdout.write(f"{sentence}\n")
    sys.stdout.flush()


def main() -> None:
    """Start both, tell the story, stop both."""
    with tempfile.TemporaryDirectory(prefix="surehand-label-studio-") as temporary:
        folder = Path(sys.argv[1] if sys.argv[1:] else temporary).resolve()
        version = sys.argv[2] if sys.argv[2:] else VERSION
        with (
            services(Path(temporary) / "surehand") as at,
            label_studio(folder, version) as studio,
            Surehand(
                router=at.router,
                review_queue=at.review_queue,
                trainer=at.trainer,
                token=at.token,
            ) as client,
        ):
            say(f"Label Studio {version} and Surehand run")
            tell(Studio(studio), client, at)


if __name__ == "__main__":
    main()
