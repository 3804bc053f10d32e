"""The loop itself, as a caller, a reviewer and an operator go through it."""

import random
import time
from collections.abc import Callable
from functools import partial
from typing import Any, ClassVar

import httpx

from surehand import NotFound, Prediction, Surehand
from surehand.models.predictions import ItemStatus, ModelStatus

PROJECT = "smoke"
LABELS = ("complaint", "praise")
TRAINING_LABELS = 60
CERTIFICATION_LABELS = 100
POOL = 600
SEED = 11

_WORDS = {
    "complaint": "broken late refund missing wrong damaged cracked faulty rude useless",
    "praise": "great lovely quick perfect friendly thanks excellent happy sturdy superb",
}
_FILLER = "the parcel came today and my order was it service with this shop box for us"


class SmokeFailed(Exception):  # noqa: N818 - said to a person, in one sentence
    """Something is not as it should be; the message says what."""


class Loop:
    """Predict → review → train → predict, on two made-up classes that are easily told apart."""

    roles: ClassVar[tuple[str, ...]] = ("caller", "reviewer", "operator")

    def __init__(self, addresses: dict[str, str], tokens: dict[str, str]) -> None:
        self._addresses = addresses
        self._clients = {
            role: Surehand(
                router=addresses["router"],
                review_queue=addresses["review_queue"],
                trainer=addresses["trainer"],
                token=token,
                timeout=60,
            )
            for role, token in tokens.items()
        }
        self._random = random.Random(SEED)
        self._truth: dict[str, str] = {}
        self._verdicts = 0
        self._waiting = ""

    def wait_ready(self) -> None:
        """All services say that they can serve, and that every part of them works."""
        for service in self._addresses:
            self._wait(partial(self._is_ready, service), 90, f"{service} is ready")

    def create_project(self) -> None:
        """An operator creates the project, imports a pool and asks for random labels."""
        spec = {
            "title": "Smoke", "labels": list(LABELS),
            "fields": {"text": {"type": "text", "max_length": 500}},
            "promise": {
                "target_accuracy": 0.9, "confidence": 0.95,
                "certification_labels": CERTIFICATION_LABELS, "audit_rate": 0.05,
                "min_population_span_seconds": 0,
            },
            "training": {
                "recipe": "text-linear", "min_new_labels": TRAINING_LABELS, "auto_promote": True,
            },
        }  # fmt: skip
        operator = self._clients["operator"]
        operator.projects.put(PROJECT, spec)
        imported = operator.pool.add(PROJECT, [self._item(f"pool-{n}") for n in range(POOL)])
        _expect(imported.imported == POOL, f"imported {imported}")
        # A few more than needed: they are the ones that are still open when training starts.
        asked = operator.pool.request_labels(PROJECT, TRAINING_LABELS + 20)
        _expect(asked.tasks == TRAINING_LABELS + 20, f"batch made {asked}")

    def sign_in_to_console(self) -> None:
        """A one-time link of the operator's opens the console, once, and shows the project."""
        link = self._clients["operator"].links.create(None, "smoke-boss", role="operator")
        console = self._addresses["console"]
        with httpx.Client(base_url=console, headers={"Origin": console}, trust_env=False) as page:
            _expect(page.get("/").headers.get("location", "").startswith("/sign-in"), "open to all")
            shown = page.get("/enter", params={"code": link.code})
            _expect(shown.status_code == 200, f"the link's page: {shown.status_code}")
            entered = page.post("/enter", data={"code": link.code})
            _expect(entered.status_code == 303, f"the link: {entered.status_code} {entered.text}")
            home = page.get("/")
            _expect(home.status_code == 200, f"the first page: {home.status_code}")
            _expect(f"/projects/{PROJECT}" in home.text, "the first page lacks the project")
            again = page.post("/enter", data={"code": link.code})
            _expect(again.status_code == 404, f"the link worked twice: {again.status_code}")

    def predict_without_model(self) -> None:
        """Before there is a model, an item goes to people."""
        self._wait(self._router_knows_project, 15, "the router knows the project")
        (prediction,) = self._predict(["early-1"])
        _expect(prediction.decision == "in_review", f"without a model: {prediction}")
        _expect(prediction.reason == "no_model", f"without a model: {prediction}")
        _expect(prediction.label is None, f"a label without a model: {prediction}")

    def review_until_live(self) -> None:
        """Verdicts make the trainer train, and the router picks the version up."""
        self._review_until(lambda: self._model().champion is not None, 180, "a version is live")
        _expect(self._verdicts >= TRAINING_LABELS, f"trained after {self._verdicts} verdicts")

    def predict_with_model(self) -> None:
        """An uncertified guess is a suggestion, never a label; it is the right one here."""
        self._waiting = "second-1"
        (prediction,) = self._predict([self._waiting], review="always")
        _expect(prediction.decision == "in_review", f"forced review: {prediction}")
        _expect(prediction.reason == "forced", f"forced review: {prediction}")
        _expect(prediction.suggestion == self._truth[self._waiting], f"guess: {prediction}")
        (prediction,) = self._predict(["second-2"])
        if prediction.decision == "in_review":
            known = prediction.reason in {"uncertified", "below_threshold"}
            _expect(known and prediction.label is None, f"uncertified: {prediction}")
            _expect(prediction.suggestion in LABELS, f"uncertified: {prediction}")
        else:
            _expect(prediction.label == self._truth["second-2"], f"answered: {prediction}")

    def resolve_outcome(self) -> None:
        """A reviewer's verdict becomes the caller's outcome."""
        before = self._outcome(self._waiting)
        _expect(before.status == "in_review", f"before the verdict: {before}")

        def resolved() -> bool:
            return self._outcome(self._waiting).status == "resolved"

        self._review_until(resolved, 120, "the outcome is resolved")
        after = self._outcome(self._waiting)
        _expect(after.label == self._truth[self._waiting], f"outcome: {after}")
        _expect(after.source == "human", f"outcome: {after}")

    def review_until_certified(self) -> None:
        """The first version is certified on fresh, blind labels."""

        def certified() -> bool:
            return self._model().promise.state == "certified"

        self._review_until(certified, 180, "the version is certified")

    def predict_answered(self) -> None:
        """What the certificate covers is answered without a human, and right."""
        predictions = self._predict([f"third-{n}" for n in range(40)])
        answered = [p for p in predictions if p.decision == "answered"]
        wrong = [p for p in answered if p.label != self._truth[p.item_id]]
        print(f"  {len(answered)} of {len(predictions)} answered, {len(wrong)} of them wrong,"
              f" after {self._verdicts} verdicts")  # fmt: skip
        _expect(len(answered) >= len(predictions) // 2, f"only {len(answered)} answered")
        _expect(len(wrong) <= len(answered) // 10, f"{len(wrong)} of {len(answered)} wrong")
        _expect(all(p.reason == "confident" for p in answered), f"reasons: {answered[0]}")

    def _review_until(self, done: Callable[[], bool], seconds: float, what: str) -> None:
        deadline = time.monotonic() + seconds
        while not done():
            _expect(time.monotonic() < deadline, f"not within {seconds:.0f} s: {what}")
            with self._clients["reviewer"].review(PROJECT, wait_seconds=1, count=10) as tasks:
                for task in tasks:
                    task.answer(self._truth[task.item_id], active_seconds=1.0)
                    self._verdicts += 1
                    if done():
                        return

    def _wait(self, done: Callable[[], bool], seconds: float, what: str) -> None:
        deadline = time.monotonic() + seconds
        while not done():
            _expect(time.monotonic() < deadline, f"not within {seconds:.0f} s: {what}")
            time.sleep(0.1)

    def _is_ready(self, service: str) -> bool:
        try:
            answer = httpx.get(f"{self._addresses[service]}/readyz", trust_env=False)
            return answer.is_success and not answer.json()["degraded"]
        except httpx.TransportError:
            return False

    def _router_knows_project(self) -> bool:
        try:
            self._model()
        except NotFound:
            return False
        return True

    def _model(self) -> ModelStatus:
        return self._clients["caller"].model(PROJECT)

    def _outcome(self, item_id: str) -> ItemStatus:
        return self._clients["caller"].item_status(PROJECT, item_id)

    def _predict(self, item_ids: list[str], review: str = "auto") -> list[Prediction]:
        items = [self._item(item_id) for item_id in item_ids]
        predictions = self._clients["caller"].predict(PROJECT, items, review=review)
        said = [one.item_id for one in predictions]
        _expect(said == item_ids, f"answers out of order: {said}")
        return predictions

    def _item(self, item_id: str) -> dict[str, Any]:
        label = self._random.choice(LABELS)
        words = self._random.sample(_WORDS[label].split(), 3)
        words += self._random.sample(_FILLER.split(), 6)
        self._random.shuffle(words)
        self._truth[item_id] = label
        return {"item_id": item_id, "data": {"text": " ".join(words)}}


def _expect(condition: bool, message: str) -> None:
    if not condition:
        raise SmokeFailed(message)
