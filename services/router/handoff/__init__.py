"""Tasks to the review queue: in batches, acknowledged, or kept in a durable spool meanwhile."""
