"""Whether a service can write the store: the same words for each service."""

from dataclasses import dataclass, field

import structlog
from obstore.exceptions import BaseError

from shared.logs import cause_of
from shared.store import Store

log = structlog.get_logger()


@dataclass
class StoreCheck:
    """A check of `/readyz`; the log has one line when its finding changes, with the cause.

    The finding itself names no cause: it is shown to anyone, and causes may name hosts and paths.
    """

    store: Store
    service: str
    _found: dict[str, str] = field(default_factory=dict)

    async def __call__(self) -> dict[str, str]:
        """Say that the store cannot be written; empty when it can."""
        found: dict[str, str] = {}
        cause = None
        try:
            await self.store.probe(self.service)
        except (BaseError, OSError) as error:
            found, cause = {"store": "not writable"}, cause_of(error)
        if found != self._found:
            self._found = found
            if found:
                log.warning("store_not_writable", cause=cause)
            else:
                log.info("store_writable_again")
        return found
