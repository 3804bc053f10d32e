"""Counts of decisions a day, of what the ledger has so far."""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"

_BINS = 50
# A whole number of the confidence's bin; SQLite's cast cuts off, PostgreSQL's would round.
_SQLITE = (
    "substr(received_at, 1, 10)",
    f"CAST(CAST(\"row\" ->> 'confidence' AS REAL) * {_BINS} AS INTEGER)",
)
_POSTGRESQL = (
    "to_char(received_at AT TIME ZONE 'UTC', 'YYYY-MM-DD')",
    f"floor(CAST(\"row\" ->> 'confidence' AS double precision) * {_BINS})",
)


def upgrade() -> None:
    table = op.create_table(
        "ledger_days",
        sa.Column("project", sa.String(), primary_key=True),
        sa.Column("day", sa.String(), primary_key=True),
        sa.Column("version", sa.String(), primary_key=True),
        sa.Column("reason", sa.String(), primary_key=True),
        sa.Column("decisions", sa.Integer(), nullable=False),
        sa.Column("confidences", sa.JSON(), nullable=False),
    )
    connection = op.get_bind()
    day, place = _SQLITE if connection.dialect.name == "sqlite" else _POSTGRESQL
    counts: dict[tuple[str, ...], list[int]] = {}
    totals: dict[tuple[str, ...], int] = {}
    found = connection.execute(
        sa.text(
            f"SELECT project, {day}, coalesce(model_version, ''), \"row\" ->> 'reason', {place},"  # noqa: S608 - of constants
            " count(*) FROM ledger_rows GROUP BY 1, 2, 3, 4, 5"
        )
    )
    for *key, at, rows in found:
        bins = counts.setdefault(tuple(key), [0] * _BINS)
        totals[tuple(key)] = totals.get(tuple(key), 0) + rows
        if at is not None:
            bins[min(_BINS - 1, max(0, int(at)))] += rows
    names = ("project", "day", "version", "reason")
    new = [
        dict(zip(names, key, strict=True)) | {"decisions": totals[key], "confidences": bins}
        for key, bins in counts.items()
    ]
    if new:
        op.bulk_insert(table, new)
