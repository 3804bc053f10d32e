"""The checks of the review queue's `/readyz` beside that of its database."""

from obstore.exceptions import BaseError as StoreError

from shared.store import Store


async def check_store(store: Store) -> dict[str, str]:
    """Say whether the store can be written: until then project documents wait in the database."""
    try:
        await store.probe("review_queue")
    except (StoreError, OSError):
        return {"store": "not writable"}
    return {}
