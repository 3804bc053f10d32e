"""The commands, and what all have in common: options, errors, exit statuses."""

from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from surehand._version import __version__
from surehand.cli import (
    accounts,
    doctor,
    encoders,
    exporting,
    importing,
    jobs,
    links,
    local,
    monitoring,
    pool,
    projects,
    promises,
    promotions,
    reviewing,
    status,
    training,
    webhooks,
    why,
)
from surehand.cli.connection import Connection
from surehand.cli.failures import EXPECTED, INTERRUPTED, WRONG_CALL, sentence_of, status_of
from surehand.cli.output import Output
from surehand.cli.session import Session

_EVERY_DAY, _PROMISE, _VERSIONS, _SET_UP = "Every day", "The promise", "Versions", "Set up"


class Commands(TyperGroup):
    """The root command: errors that are expected end in one sentence, not in a traceback."""

    def invoke(self, ctx: Any) -> Any:
        """Run the command that was called."""
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt:
            raise typer.Exit(INTERRUPTED) from None
        except BrokenPipeError:
            raise  # as `head` ends: typer says nothing about it
        except EXPECTED as error:
            Output().note(f"surehand: {sentence_of(error)}")
            raise typer.Exit(status_of(error)) from None
        except Exception as error:
            # Typer's own errors of usage, which have no public class.
            message = getattr(error, "format_message", None)
            if message is None:
                raise
            Output().note(f"surehand: {message()} `surehand COMMAND --help` lists what there is.")
            raise typer.Exit(WRONG_CALL) from None


app = typer.Typer(
    cls=Commands,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    help="Surehand in the terminal: `surehand status` says how things are and what comes next.",
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"surehand {__version__}")
        raise typer.Exit


@app.callback()
def root(
    ctx: typer.Context,
    url: Annotated[str | None, typer.Option(help="A gateway with all services.")] = None,
    router: Annotated[str | None, typer.Option(help="The router's address.")] = None,
    review_queue: Annotated[str | None, typer.Option(help="The review queue's address.")] = None,
    trainer: Annotated[str | None, typer.Option(help="The trainer's address.")] = None,
    console: Annotated[str | None, typer.Option(help="The console's address, for links.")] = None,
    token: Annotated[str | None, typer.Option(help="Better: SUREHAND_TOKEN, or login.")] = None,
    _: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print it.")
    ] = False,
) -> None:
    """Make the session of the command."""
    session = Session(Connection(url, router, review_queue, trainer, console, token))
    ctx.obj = session
    ctx.call_on_close(session.close)


for name, command, panel in (
    ("status", status.status, _EVERY_DAY),
    ("import", importing.import_file, _EVERY_DAY),
    ("ask", pool.ask, _EVERY_DAY),
    ("learning", pool.learning, _EVERY_DAY),
    ("pool", pool.pool, _EVERY_DAY),
    ("review", reviewing.review, _EVERY_DAY),
    ("why", why.why, _EVERY_DAY),
    ("export", exporting.export, _EVERY_DAY),
    ("score", jobs.score, _EVERY_DAY),
    ("autolabel", jobs.autolabel, _EVERY_DAY),
    ("labels", jobs.labels, _EVERY_DAY),
    ("jobs", jobs.jobs, _EVERY_DAY),
    ("promise", promises.promise, _PROMISE),
    ("certify", promises.certify, _PROMISE),
    ("suspend", promises.suspend, _PROMISE),
    ("resume", promises.resume, _PROMISE),
    ("drift", monitoring.drift, _PROMISE),
    ("slices", monitoring.slices, _PROMISE),
    ("relabel", monitoring.relabel, _PROMISE),
    ("train", training.train, _VERSIONS),
    ("versions", training.versions, _VERSIONS),
    ("encoder", encoders.encoder, _VERSIONS),
    ("promote", training.promote, _VERSIONS),
    ("approve", training.approve, _VERSIONS),
    ("reject", training.reject, _VERSIONS),
    ("rollback", training.rollback, _VERSIONS),
    ("promotions", promotions.promotions, _VERSIONS),
    ("compare", promotions.compare, _VERSIONS),
    ("link", links.link, _SET_UP),
    ("webhooks", webhooks.webhooks, _SET_UP),
    ("login", accounts.login, _SET_UP),
    ("logout", accounts.logout, _SET_UP),
    ("token", local.token, _SET_UP),
    ("doctor", doctor.doctor, _SET_UP),
    ("up", local.up, _SET_UP),
    ("demo", local.demo, _SET_UP),
):
    app.command(name, rich_help_panel=panel)(command)
app.add_typer(projects.app, name="project", rich_help_panel=_SET_UP)
