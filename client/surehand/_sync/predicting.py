"""Predictions of any number of items."""

import json
from collections.abc import Iterable, Iterator
from functools import partial
from typing import Any

from surehand import endpoints as e
from surehand._sync.concurrency import in_order
from surehand._sync.encoding import encoded_items
from surehand._sync.http import Http
from surehand.errors import PayloadTooLarge
from surehand.items import EncodedItem, batches
from surehand.models.predictions import ItemStatus, ModelStatus, Prediction

_QUERY_ITEMS = 1000


class Predicting(Http):
    """What callers of predict do."""

    def predict(
        self,
        project: str,
        items: Iterable[Any],
        *,
        wait_seconds: float = 0.0,
        review: str = "auto",
        concurrency: int = 4,
    ) -> list[Prediction]:
        """Predict items, and return their predictions in the same order.

        Many items are sent in several calls, and a failed call is repeated with the same ids.

        Parameters
        ----------
        items
            Any iterable of items, or a table (pandas, Polars, Arrow). An item is a dictionary
            ``{"item_id": …, "data": {…}, "metadata": {…}}``, of which ``data`` is enough; or a
            row with a value for each field, ``item_id`` and metadata beside them; or, where the
            project has one field, the field's value. Items without an id get a UUIDv7.
        wait_seconds : 0 to 60
            How long each call waits for people's answers.
        review
            ``auto``, ``always`` (a reviewer is always asked) or ``never`` (none is).
        concurrency : at least 1
            How many calls are under way at a time.

        Raises
        ------
        ItemConflict
            People were asked about an item of this id with other data.
        InvalidRequest
            An item is not as the project's fields say; `errors` has pointers into its call.
        TypeError, ValueError
            An item cannot be written as JSON.
        """
        stream = self.predict_each(
            project, items, wait_seconds=wait_seconds, review=review, concurrency=concurrency
        )
        return [prediction for prediction in stream]

    def predict_each(
        self,
        project: str,
        items: Iterable[Any],
        *,
        wait_seconds: float = 0.0,
        review: str = "auto",
        concurrency: int = 4,
    ) -> Iterator[Prediction]:
        """Predict items one after another, however many, and yield the predictions in order.

        Parameters and errors are those of `predict`; `items` are read as they are needed.
        """
        encoded = encoded_items(self, project, items)
        options = {"wait_seconds": wait_seconds, "review": review}
        work = partial(self._predict_batch, project, options)
        for predictions in in_order(work, batches(encoded), concurrency):
            for prediction in predictions:
                yield prediction

    def item_status(self, project: str, item_id: str, *, wait_seconds: float = 0.0) -> ItemStatus:
        """Return what became of an item, at the latest after `wait_seconds` (0 to 60)."""
        return self.ask(
            e.ITEM_STATUS,
            {"project": project, "item_id": item_id},
            params={"wait_seconds": wait_seconds},
            timeout=self.timeout + wait_seconds,
        )

    def item_statuses(self, project: str, item_ids: Iterable[str]) -> list[ItemStatus]:
        """Return what became of items, in their order; many are asked about in several calls."""
        wanted = list(item_ids)
        found: list[ItemStatus] = []
        for start in range(0, len(wanted), _QUERY_ITEMS):
            body = {"item_ids": wanted[start : start + _QUERY_ITEMS]}
            found += (self.ask(e.ITEM_STATUSES, {"project": project}, json=body)).outcomes
        return found

    def model(self, project: str) -> ModelStatus:
        """Return what the project serves with, on the router that answers."""
        return self.ask(e.MODEL, {"project": project})

    def _predict_batch(
        self, project: str, options: dict[str, Any], batch: list[EncodedItem]
    ) -> list[Prediction]:
        items = b",".join(item.text for item in batch)
        rest = json.dumps(options).encode()
        try:
            answer = self.ask(
                e.PREDICT,
                {"project": project},
                content=b'{"items":[' + items + b"]," + rest[1:],
                headers={"Content-Type": "application/json"},
                timeout=self.timeout + options["wait_seconds"],
            )
        except PayloadTooLarge:
            # This service, or a proxy before it, takes less than services do by default.
            if len(batch) == 1:
                raise
            half = len(batch) // 2
            first = self._predict_batch(project, options, batch[:half])
            return first + self._predict_batch(project, options, batch[half:])
        return answer.predictions
