"""A project's encoder in the store: one document, and the graph that it names."""

import asyncio
from datetime import timedelta

from services.trainer.encoders.messages import Encoder
from services.trainer.resources import Resources
from shared.store import encoder_folder, encoder_model_path, encoder_path, sha256

# An upload of the same graph may be under way, and writes the graph before the document.
_KEPT = timedelta(hours=1)


async def current(resources: Resources, project: str) -> Encoder | None:
    """Return the project's encoder, None where it has none."""
    return await resources.store.read_document(encoder_path(project), Encoder)


async def graph_of(resources: Resources, project: str, encoder: Encoder) -> bytes | None:
    """Return the encoder's file; None where it is not there, or is another one."""
    body = await resources.store.read(encoder_model_path(project, encoder.sha256))
    if body is None or await asyncio.to_thread(sha256, body) != encoder.sha256:
        return None
    return body


async def put(resources: Resources, project: str, encoder: Encoder, model: bytes) -> None:
    """Write graph and document, then remove the graphs of earlier uploads."""
    await resources.store.write(encoder_model_path(project, encoder.sha256), model)
    await resources.store.write_document(encoder_path(project), encoder)
    written = await resources.store.modified(encoder_folder(project))
    newest = max(written.values())
    for path, at in written.items():
        if newest - at > _KEPT and path != encoder_model_path(project, encoder.sha256):
            await resources.store.delete(path)


async def remove(resources: Resources, project: str) -> None:
    """Remove document and graphs, if any."""
    await resources.store.delete(encoder_path(project))
    for path in await resources.store.modified(encoder_folder(project)):
        await resources.store.delete(path)
