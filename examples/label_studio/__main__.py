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

import httpx

from examples.label_studio.servers import Surehand, label_studio, surehand, wait_until
from examples.label_studio.studio import Studio
from examples.made_up_reviews import BAD, ENDINGS, GOOD, THINGS

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


def tell(studio: Studio, services: Surehand) -> None:
    """Tell the story once."""
    queue, router = services.client(services.review_queue), services.client(services.router)
    queue.put(f"/v1/projects/{PROJECT}", json=SPEC).raise_for_status()
    backend = studio.connect(f"{services.router}/label-studio/{PROJECT}", services.token)
    say(f"backend: {backend['readable_state']} at /label-studio/{PROJECT}")

    chosen = reviews()
    tasks = studio.bring([text for text, _ in chosen])
    annotations = [
        studio.annotate(task, label)
        for task, (_, label) in zip(tasks[:LABELLED], chosen, strict=False)
    ]
    first = f"label-studio-{tasks[0]}"
    wait_until(lambda: len(outcomes(queue)) == LABELLED, "the annotations to arrive")
    say(f"{len(tasks)} tasks, {LABELLED} annotated in Label Studio")
    say(f"outcomes at the review queue: {len(outcomes(queue))}; that of {first}:")
    say(f"  {verdict(queue, first)}")

    studio.train()
    wait_until(lambda: serving(router) == "v1", "the first version")
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
    wait_until(lambda: verdict(queue, first)["label"] == other, "the correction")
    say(f"annotation changed in Label Studio: {verdict(queue, first)}")


def outcomes(queue: httpx.Client) -> list[dict[str, object]]:
    """Return the outcomes feed from its beginning."""
    found: list[dict[str, object]] = queue.get(f"/v1/projects/{PROJECT}/outcomes").json()[
        "outcomes"
    ]
    return found


def verdict(queue: httpx.Client, item_id: str) -> dict[str, object]:
    """Return label, revision and reviewer of an item's outcome."""
    outcome = queue.get(f"/v1/projects/{PROJECT}/outcomes/{item_id}").json()
    task = queue.get(f"/v1/projects/{PROJECT}/tasks/{outcome['task_id']}").json()
    answered = [line["actor"] for line in task["timeline"] if line["kind"] == "verdict"]
    return {
        "label": outcome["label"],
        "revision": outcome["revision"],
        "reviewer": answered[-1] if answered else None,
    }


def serving(router: httpx.Client) -> str | None:
    """Return the version that serves."""
    version: str | None = router.get(f"/v1/projects/{PROJECT}/model").json()["serving"]
    return version


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
            surehand(Path(temporary) / "surehand") as services,
            label_studio(folder, version) as client,
        ):
            say(f"Label Studio {version} and Surehand run")
            tell(Studio(client), services)


if __name__ == "__main__":
    main()
