"""All labels of a project in one file: people's, and those of certified versions."""

from collections.abc import AsyncIterator, Sequence

from services.trainer.jobs.labels import repository
from services.trainer.jobs.labels.messages import LabelRow, LabelSource, ProvenBy
from services.trainer.jobs.messages import TextFormat
from services.trainer.jobs.results import csv_line
from services.trainer.resources import Resources
from services.trainer.tables import ModelLabel, OutcomeRow
from shared.contracts.projects import Project

_PAGE = 500
_OWN = ("item_id", "label", "source", "confidence", "model_version", "verdicts", "revision", "lane")
_PROOF = ("certificate_id", "target_accuracy", "threshold", "population")


async def export(
    resources: Resources, project: Project, form: TextFormat, source: LabelSource
) -> AsyncIterator[bytes]:
    """Return the labels by item id, a page at a time; a CSV file has a column for each field.

    The first page is read before it returns: a database that is away refuses the request, and does
    not break off an answer.
    """
    pages = _pages(resources, project.project, source)
    return _written(project, form, await anext(pages, []), pages)


async def _written(
    project: Project, form: TextFormat, first: list[LabelRow], others: AsyncIterator[list[LabelRow]]
) -> AsyncIterator[bytes]:
    fields, keys = list(project.fields), list(project.metadata)
    if form == "csv":
        metadata = (f"metadata.{key}" for key in keys)
        yield csv_line([*_OWN, *_PROOF, "labelled_at", *fields, *metadata])
    async for rows in _all(first, others):
        if form == "jsonl":
            yield b"".join(row.model_dump_json().encode() + b"\n" for row in rows)
        else:
            yield b"".join(_csv(row, fields, keys) for row in rows)


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


def _csv(row: LabelRow, fields: Sequence[str], keys: Sequence[str]) -> bytes:
    shown = row.model_dump(mode="json")
    proof = shown["certificate"] or {}
    own = [*(shown[name] for name in _OWN), *(proof.get(name) for name in _PROOF)]
    data = [row.data.get(name) for name in fields]
    return csv_line([*own, shown["labelled_at"], *data, *(row.metadata.get(key) for key in keys)])
