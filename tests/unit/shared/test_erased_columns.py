"""Each column that could hold something of an item is decided on: erased, or known to be harmless.

A new column fails here: decide on it, and see that the erasure empties it if it can hold content.
"""

import importlib

import pytest
from sqlalchemy import MetaData

from services.review_queue.tables import Base as QueueBase
from services.trainer.tables import Base as TrainerBase

# Content, what people wrote about it, what models said of it, or a digest of any of these.
ERASED = {
    "review_queue": {
        *("tasks.data", "tasks.data_digest", "tasks.item_metadata", "tasks.prediction"),
        *(
            "tasks.trace",
            "tasks.needs",
            "verdicts.comment",
            "leases.body_digest",
            "outcomes.prediction",
        ),
        *("task_events.detail", "feedback.text", "feedback.answer"),
        *("gold.explanation", "probes.comment", "probes.body_digest", "webhook_history.error"),
    },
    "trainer": {
        *("outcomes.data", "outcomes.content_hash", "outcomes.prediction", "outcomes.trace"),
        *("pool_items.data", "pool_items.item_metadata", "pool_items.content_hash"),
        *("ledger_rows.row", "ledger_rows.content_hash"),
        *("certification_items.data", "certification_items.item_metadata"),
        *("shadow_items.content_hash", "pool_items.prediction"),
    },
}
# Names, states, labels, and who did what.
KEPT = {
    "review_queue": {
        *("tasks.task_id", "tasks.project", "tasks.item_id", "tasks.lane", "tasks.lane_group"),
        *("tasks.state", "tasks.reserved_for", "tasks.holder", "tasks.label", "tasks.source"),
        *("leases.token", "leases.task_id", "leases.reviewer", "leases.ending"),
        *("leases.state_after", "verdicts.task_id", "verdicts.reviewer", "verdicts.recorded_by"),
        *(
            "verdicts.token",
            "verdicts.label",
            "verdicts.project",
            "outcomes.project",
            "outcomes.task_id",
        ),
        *("outcomes.lane", "outcomes.label", "outcomes.source", "task_events.task_id"),
        *("task_events.kind", "task_events.actor", "feedback.project", "feedback.about"),
        *("feedback.task_id", "feedback.label", "feedback.author", "feedback.answered_by"),
        *("webhook_deliveries.delivery_id", "webhook_deliveries.webhook_id"),
        *("webhook_deliveries.event_id", "webhook_deliveries.event"),
        *("webhook_history.delivery_id", "webhook_history.project", "webhook_history.webhook_id"),
        *("webhook_history.event_id", "webhook_history.kind", "webhook_history.subject"),
        *("webhook_history.task_id", "webhook_history.event", "webhook_history.state"),
        *("webhook_deliveries.task_id", "tombstones.task_id", "tombstones.erased_by"),
        *("tombstones.reason", "gold.task_id", "gold.project", "gold.label", "gold.added_by"),
        *("probes.token", "probes.project", "probes.task_id", "probes.reviewer", "probes.kind"),
        *("probes.expected", "probes.suggestion", "probes.ending", "probes.label"),
        "probes.state_after",
    },
    "trainer": {
        *("outcomes.project", "outcomes.item_id", "outcomes.lane", "outcomes.label"),
        *("outcomes.evidence_label", "outcomes.erasure"),
        *("pool_items.project", "pool_items.item_id", "pool_items.order_key"),
        *("pool_items.batch_id", "pool_items.arm"),
        # Deleted with the item.
        *("model_labels.project", "model_labels.item_id", "model_labels.label"),
        *("model_labels.version", "model_labels.certificate_id", "model_labels.job_id"),
        "model_labels.population",
        *("relabel_items.plan_id", "relabel_items.item_id", "relabel_items.project"),
        *("relabel_items.tranche", "relabel_items.refused", "outcomes.source"),
        *("shadow_items.stage_id", "shadow_items.project", "shadow_items.item_id"),
        *("shadow_items.champion_label", "shadow_items.label", "shadow_items.refused"),
        "certification_items.champion",
        *("pool_items.state", "ledger_rows.project", "ledger_rows.item_id", "ledger_rows.review"),
        *("ledger_rows.decision", "ledger_rows.label", "ledger_rows.model_version"),
        *("certification_items.certification_id", "certification_items.item_id"),
        "certification_items.copy_of",
        *("certification_items.project", "certification_items.label"),
        *("certification_items.refused", "certification_items.verdict"),
        "certification_items.finding",
        *("second_opinions.project", "second_opinions.item_id", "second_opinions.lane"),
        "second_opinions.state",
    },
}
METADATA: dict[str, MetaData] = {
    "review_queue": QueueBase.metadata,
    "trainer": TrainerBase.metadata,
}


@pytest.mark.parametrize("service", sorted(METADATA))
def test_every_column_of_an_items_tables_is_decided_on(service: str) -> None:
    # Tables are known once the rooms that state them are imported.
    importlib.import_module(f"services.{service}.app")
    found = {
        f"{table.name}.{column.name}"
        for table in METADATA[service].tables.values()
        if {"task_id", "item_id"} & set(table.columns.keys())
        for column in table.columns
        if str(column.type).startswith(("VARCHAR", "TEXT", "JSON"))
    }
    assert found == ERASED[service] | KEPT[service]
