"""Which version has learned from which outcomes, and since when it is live: from the store."""

import structlog
from obstore.exceptions import BaseError
from pydantic import ValidationError

from services.review_queue.lifecycle.outcomes.places import place_of
from services.review_queue.timings.steps import Publication
from shared.contracts.versions import Channels, Manifest
from shared.logs import cause_of
from shared.problems import Problem
from shared.store import Store, channels_path, manifest_path

log = structlog.get_logger()

# Each is one read of the store; older ones say little of how things go now.
_NEWEST = 50


class Publications:
    """The champions of a project. Without the store, the steps that need it are left out."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._manifests: dict[tuple[str, str], Manifest] = {}

    async def of(self, project: str) -> list[Publication]:
        """Return the newest champions by the place in the outcomes feed that they know."""
        try:
            channels = await self._store.read_document(channels_path(project), Channels)
            events = channels.history[-_NEWEST:] if channels is not None else []
            found = [
                Publication(position, manifest.created_at, event.live_at)
                for event in events
                if (manifest := await self._manifest(project, event.champion)) is not None
                and (position := _position(manifest.outcomes_cursor)) is not None
            ]
        except (BaseError, OSError, ValidationError) as error:
            log.warning("publications_unread", project=project, cause=cause_of(error))
            return []
        return sorted(found, key=lambda one: one.position)

    async def _manifest(self, project: str, version: str) -> Manifest | None:
        """Return a version's manifest, which never changes."""
        known = self._manifests.get((project, version))
        if known is None:
            known = await self._store.read_document(manifest_path(project, version), Manifest)
            if known is not None:
                self._manifests[project, version] = known
        return known


def _position(cursor: str | None) -> int | None:
    try:
        place = place_of(cursor)
    except Problem:
        return None
    return None if place is None else place.position
