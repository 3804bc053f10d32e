"""What every command gets: the client, the project and the output."""

from dataclasses import dataclass, field
from typing import Annotated

import typer

from surehand import RetryPolicy, Surehand
from surehand.cli.connection import Connection, find_connection
from surehand.cli.failures import UserError
from surehand.cli.output import Output
from surehand.cli.text import line_of

_SHOWN_NAMES = 8
# A person waits before a terminal.
_RETRIES = RetryPolicy(retries=2)

Project = Annotated[
    str | None,
    typer.Option("--project", "-p", help="Defaults to the only project, if there is exactly one."),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON, under the API's names.")]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")]


@dataclass
class Session:
    """One call of the command line."""

    given: Connection
    _client: Surehand | None = field(default=None, init=False)
    _connection: Connection | None = field(default=None, init=False)

    @property
    def connection(self) -> Connection:
        """The addresses and the token that count."""
        if self._connection is None:
            self._connection = find_connection(self.given)
        return self._connection

    @property
    def client(self) -> Surehand:
        """The client, made at the first use."""
        if self._client is None:
            self._client = self.connection.client(retries=_RETRIES)
        return self._client

    def close(self) -> None:
        """Close the client's connections."""
        if self._client is not None:
            self._client.close()

    def project(self, named: str | None) -> str:
        """Return the named project, or the only one.

        Raises
        ------
        UserError
            None was named, and there is none or more than one.
        """
        if named is not None:
            return named
        names = [one.project for one in self.client.projects.list() if one.archived_at is None]
        if len(names) == 1:
            return names[0]
        if not names:
            raise UserError("There is no project yet: `surehand project create` makes one.")
        some = ", ".join(names[:_SHOWN_NAMES]) + (" …" if len(names) > _SHOWN_NAMES else "")
        raise UserError(line_of(f"Which project? Name one by --project: {some}.", 1000))


def of(ctx: typer.Context) -> Session:
    """Return the session of a command's context."""
    session = ctx.find_object(Session)
    if session is None:
        raise RuntimeError("the root command makes the session")
    return session


def output(is_json: bool = False) -> Output:
    """Return the output of a command."""
    return Output(is_json=is_json)
