"""What the trainer's cross-fitting said of labels, from the store."""

from dataclasses import dataclass

import structlog
from obstore.exceptions import BaseError
from pydantic import ValidationError

from shared.contracts.versions import Channels, OutOfFold
from shared.logs import cause_of
from shared.store import Store, channels_path, first_labels_path, out_of_fold_path

log = structlog.get_logger()

_AWAY = (BaseError, OSError, ValidationError)


@dataclass(frozen=True)
class CrossFitted:
    """The model whose cross-fitting speaks of the labels: the champion, `version`.

    Without a champion `version` is None: it is the small model of the first labels.
    """

    version: str | None


@dataclass(frozen=True)
class HeldOut:
    """What a model held of one item, of whose label it had not learned: the label was `label`."""

    version: str | None
    label: str
    probabilities: dict[str, float]


async def cross_fitted_of(store: Store, project: str) -> CrossFitted | None:
    """Return whose cross-fitting counts; None while it is not known whether there is a champion."""
    try:
        channels = await store.read_document(channels_path(project), Channels)
    except _AWAY as error:
        log.warning("out_of_fold_unread", project=project, cause=cause_of(error))
        return None
    return CrossFitted(None if channels is None else channels.champion)


async def held_out_of(store: Store, project: str, model: CrossFitted | None) -> dict[str, HeldOut]:
    """Return what is known by item; nothing of a version from elsewhere, or without the store.

    Of each item two probabilities are kept: of the label that people gave, and of the predicted.
    """
    if model is None:
        return {}
    version = model.version
    path = first_labels_path(project) if version is None else out_of_fold_path(project, version)
    try:
        found = await store.read_document(path, OutOfFold)
    except _AWAY as error:
        log.warning("out_of_fold_unread", project=project, cause=cause_of(error))
        return {}
    if found is None:
        return {}
    rows = zip(
        found.item_ids,
        found.labels,
        found.predicted,
        found.confidences,
        found.label_probabilities,
        strict=True,
    )
    return {
        item: HeldOut(version, label, {label: own, predicted: confidence})
        for item, label, predicted, confidence, own in rows
    }
