"""All labels of a project in one file: people's, and those of certified versions."""

from collections.abc import AsyncIterator

from services.trainer.jobs.labels import repository
from services.trainer.jobs.labels.columns import LabelColumns
from services.trainer.jobs.labels.messages import LabelRow, LabelSource, ProvenBy
from services.trainer.jobs.messages import FileFormat
from services.trainer.jobs.results import csv_pieces, parquet_pieces
from services.trainer.jobs.service import require_reader
from services.trainer.resources import Resources
from services.trainer.tables import ModelLabel, OutcomeRow
from shared.contracts.projects import Project

_PAGE = 500


async def export(
    resources: Resources, project: Project, form: FileFormat, source: LabelSource
) -> AsyncIterator[bytes]:
    """Return the labels by item id, a page at a time.

    A CSV or Parquet file has a column for each field. The first page is read before it returns: a
    database that is away refuses the request, and does not break off an answer.

    Raises `Unprocessable`: Parquet is wanted, and pyarrow is not installed.
    """
    require_reader(form, "/query/format")
    found = _pages(resources, project.project, source)
    pages = _all(await anext(found, []), found)
    columns = LabelColumns(project)
    if form == "parquet":
        return parquet_pieces(columns.kinds, ([*map(columns.typed, rows)] async for rows in pages))
    if form == "csv":
        return csv_pieces(columns.names, ([*map(columns.cells, rows)] async for rows in pages))
    return (
        b"".join(row.model_dump_json().encode() + b"\n" for row in rows) async for rows in pages
    )


async def _all(
    first: list[LabelRow], others: AsyncIterator[list[LabelRow]]
) -> AsyncIterator[list[LabelRow]]:
    if first:
        yield first
    async for rows in others:
        yield rows


async def _pages(
    resources: Resources, project: str, source: LabelSource
) -> AsyncIterator[list[LabelRow]]:
    after = ""
    while True:
        async with resources.database.reading() as session:
            found = await repository.page(session, project, after, _PAGE)
            ids = [item_id for item_id, _, _ in found]
            contents = await repository.contents(session, project, ids)
        rows = [
            _row(people, model, contents.get(item_id))
            for item_id, people, model in found
            if source == "all" or (source == "people") == (people is not None)
        ]
        if rows:
            yield rows
        if len(found) < _PAGE:
            return
        after = ids[-1]


Content = tuple[dict[str, object], dict[str, object]]


def _row(people: OutcomeRow | None, model: ModelLabel | None, content: Content | None) -> LabelRow:
    data, metadata = content or ({}, {})
    if people is not None:
        prediction = people.prediction or {}
        return LabelRow(
            item_id=people.item_id,
            label=people.label or "",
            source=people.source or "people",
            confidence=prediction.get("confidence"),
            model_version=prediction.get("model_version"),
            verdicts=people.verdicts,
            revision=people.revision,
            lane=people.lane,
            certificate=None,
            labelled_at=people.resolved_at,
            data=people.data,
            metadata=metadata,
        )
    assert model is not None
    return LabelRow(
        item_id=model.item_id,
        label=model.label,
        source="model",
        confidence=model.confidence,
        model_version=model.version,
        verdicts=None,
        revision=None,
        lane=None,
        certificate=ProvenBy(
            certificate_id=model.certificate_id,
            target_accuracy=model.target_accuracy,
            confidence=model.promise_confidence,
            threshold=model.threshold,
            population=model.population,
        ),
        labelled_at=model.given_at,
        data=data,
        metadata=metadata,
    )
