"""What every command gets: the client, the project and the output."""

from dataclasses import dataclass, field
from typing import Annotated, Any
from urllib.parse import quote

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
    typer.Option("--project", "-p", help="The project; the only one where there is one."),
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

    def queue(self, method: str, path: str, **options: Any) -> Any:
        """Call the review queue."""
        return self.client.call("review_queue", method, path, **options)

    def trainer(self, method: str, path: str, **options: Any) -> Any:
        """Call the trainer."""
        return self.client.call("trainer", method, path, **options)

    def pages(self, service: str, path: str, plural: str, **params: Any) -> list[dict[str, Any]]:
        """Read a whole list, page by page."""
        rows: list[dict[str, Any]] = []
        after: str | None = None
        while True:
            page = self.client.call(service, "GET", path, params={**params, "after": after})
            rows += page[plural]
            after = page.get("cursor")
            if after is None:
                return rows

    def projects(self) -> list[dict[str, Any]]:
        """Return all projects that the token may see."""
        return self.pages("review_queue", "/v1/projects", "projects")

    def project(self, named: str | None) -> str:
        """Return the named project, or the only one.

        Raises
        ------
        UserError
            None was named, and there is none or more than one.
        """
        if named is not None:
            return named
        names = [str(one["project"]) for one in self.projects() if not one.get("archived_at")]
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


def at(project: str, tail: str = "") -> str:
    """Return a path within a project."""
    return f"/v1/projects/{quote(project, safe='')}{tail}"


def output(is_json: bool = False) -> Output:
    """Return the output of a command."""
    return Output(is_json=is_json)
