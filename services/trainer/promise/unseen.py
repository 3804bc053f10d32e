"""The items of a pool that a version has learned nothing about."""

from collections.abc import Mapping, Sequence
from typing import Any

from services.trainer.promise.near_copies import NearCopies
from services.trainer.promise.population import Candidate, DrawRequest
from services.trainer.tables import PoolItem
from shared.contracts.items import check_data


class Unseen:
    """Finds the pool's items that the version has learned nothing about.

    Left out are copies and near-copies of what trained it: on these it looks better than it is on
    traffic, where new texts come. Traffic itself keeps them, since clients send them again.
    """

    def __init__(self, request: DrawRequest) -> None:
        fields = request.project.fields
        self._fields = fields
        self._texts = [name for name, field in fields.items() if field.type == "text"]
        self._hashes = {item.content_hash for item in request.trained_on}
        # Without text there is nothing that could be nearly the same.
        trained_on = request.trained_on if self._texts else ()
        self._known = NearCopies([self._text(item.data) for item in trained_on])
        self.left_out = 0

    def among(self, page: Sequence[PoolItem]) -> list[Candidate]:
        """Return those of the page's items; they fit the project as it is now."""
        fit = [
            item
            for item in page
            if item.content_hash not in self._hashes and not check_data(item.data, self._fields)
        ]
        copies = self._known.among([self._text(item.data) for item in fit])
        self.left_out += sum(copies)
        return [
            Candidate(item.item_id, item.data, item.item_metadata, item.order_key)
            for item, is_copy in zip(fit, copies, strict=True)
            if not is_copy
        ]

    def _text(self, data: Mapping[str, Any]) -> str:
        return "\n".join(str(data[name]) for name in self._texts if data.get(name) is not None)
