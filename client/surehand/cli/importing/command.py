"""``surehand import``."""

from dataclasses import dataclass
from typing import Any

import typer

from surehand.cli import session
from surehand.cli.failures import UserError
from surehand.cli.importing import options as o
from surehand.cli.importing.creating import describe_project
from surehand.cli.importing.job import Job
from surehand.cli.importing.mapping import Columns, Labels, guess_columns
from surehand.cli.importing.rejected import RejectedFile
from surehand.cli.importing.source import Source
from surehand.cli.output import Output, document_of
from surehand.cli.pool import ask_reviewers
from surehand.cli.text import line_of
from surehand.errors import NotFound


def import_file(
    ctx: typer.Context,
    file: o.File,
    project: session.Project = None,
    field: o.Fields = None,
    metadata: o.Metadata = None,
    item_id: o.IdColumn = None,
    label: o.LabelColumn = None,
    unlabelled: o.Unlabelled = False,
    rename_label: o.Renamed = None,
    create: o.Create = False,
    ask: o.Ask = 0,
    lane: o.Lane = "optional",
    form: o.Format = None,
    delimiter: o.Delimiter = None,
    rejected: o.Rejected = None,
    dry_run: o.DryRun = False,
    yes: session.Yes = False,
    as_json: session.AsJson = False,
) -> None:
    """Import items: labelled rows train a model, the others wait in the pool.

    Columns are found by their names and values; the preview shows them. Importing a file again
    changes nothing.
    """
    used, out = session.of(ctx), session.output(as_json)
    if create and project is None:
        raise UserError("Name the new project: --project NAME --create.")
    source = Source(file, form, delimiter)
    given = Columns(o.pairs(field, "--field"), o.pairs(metadata, "--metadata"), item_id, label)
    plan = Plan(source, given, o.pairs(rename_label, "--rename-label"), not unlabelled, create)
    spec = plan.project(used, out, used.project(project), dry_run=dry_run)
    job = Job(used, out, spec, lane, RejectedFile(rejected or source.rejected_path, source.form))
    plan.carry_out(job, spec, dry_run=dry_run, yes=yes or not out.is_interactive)
    if ask and not dry_run:
        ask_reviewers(used, out, job.project, ask)
    job.report(dry_run=dry_run)


@dataclass(frozen=True)
class Plan:
    """What the person wants of the file."""

    source: Source
    given: Columns
    renamed: dict[str, str]
    with_label: bool
    create: bool

    def project(
        self, used: session.Session, out: Output, name: str, *, dry_run: bool
    ) -> dict[str, Any]:
        """Return the project; make it where that is wanted.

        Raises
        ------
        UserError
            There is none.
        """
        try:
            return document_of(used.client.projects.get(name))
        except NotFound as error:
            if not self.create:
                raise UserError(
                    f"There is no project {name}: --create makes it with the labels of the file, "
                    f"and `surehand project create {name}` lets you describe it."
                ) from error
        document = describe_project(name, self.source, self.given, self.renamed)
        labels = line_of(", ".join(document["labels"]), 300)
        if dry_run:
            out.note(f"The project {name} would be created with the labels {labels}.")
            return {"project": name, **document}
        made = document_of(used.client.projects.put(name, document))
        out.note(f"Created the project {name} with the labels {labels}.")
        return made

    def carry_out(self, job: Job, spec: dict[str, Any], *, dry_run: bool, yes: bool) -> None:
        """Show the preview, ask, and send the rows."""
        if self.source.is_export:
            job.preview_export()
        else:
            labels = Labels(spec["labels"], self.renamed)
            columns = self._columns(spec, labels)
            job.preview(self.source.sample, columns, labels)
        if dry_run:
            return
        if not yes:
            job.confirm()
        if self.source.is_export:
            job.run_export(self.source)
        else:
            job.run(self.source, columns, labels)

    def _columns(self, spec: dict[str, Any], labels: Labels) -> Columns | None:
        """Return the columns; None if the rows are items already."""
        if self.source.has_items:
            return None
        return guess_columns(
            self.source.good,
            spec["fields"],
            spec["metadata"],
            labels,
            self.given,
            with_label=self.with_label,
        )
