"""Which errors mean that something is away, and which are a fault of the service's own."""

import errno
import sqlite3

import psycopg
import pytest
from obstore import exceptions as store
from sqlalchemy import exc
from structlog.testing import capture_logs

from shared.db.check import database_outage
from shared.http.outages import machine_outage, problem_of, store_outage

SCOPE = {"method": "GET", "path": "/"}
OUTAGES = (store_outage, machine_outage, database_outage)


def sqlite_error(code: int) -> sqlite3.OperationalError:
    error = sqlite3.OperationalError("said by SQLite")
    error.sqlite_errorcode = code
    return error


def of_database(kind: type[exc.DBAPIError], cause: Exception, *, broken: bool = False) -> Exception:
    return kind("SELECT 1", None, cause, connection_invalidated=broken)


AWAY = {
    "refused": of_database(exc.OperationalError, psycopg.OperationalError("refused")),
    "shut down": of_database(exc.OperationalError, psycopg.errors.AdminShutdown()),
    "closed": of_database(exc.InterfaceError, psycopg.InterfaceError("closed")),
    "broken in between": of_database(exc.InternalError, psycopg.InternalError(), broken=True),
    "a standby": of_database(exc.InternalError, psycopg.errors.ReadOnlySqlTransaction()),
    "SQLite is busy": of_database(exc.OperationalError, sqlite_error(sqlite3.SQLITE_BUSY)),
    "SQLite is full": of_database(exc.OperationalError, sqlite_error(sqlite3.SQLITE_FULL)),
    "the pool is empty": exc.TimeoutError(),
    "the store says no": store.PermissionDeniedError("read-only"),
    "the store failed": store.GenericError("read-only"),
    "a reset": ConnectionResetError(),
    "a time-out": TimeoutError(),
    "a full disk": OSError(errno.ENOSPC, "full"),
    "a read-only disk": OSError(errno.EROFS, "read-only"),
    "a folder that another user owns": PermissionError(errno.EACCES, "denied"),
}
OUR_FAULT = {
    "a rule": of_database(exc.IntegrityError, psycopg.errors.UniqueViolation()),
    "a table": of_database(exc.ProgrammingError, psycopg.errors.UndefinedTable()),
    "a table of SQLite": of_database(exc.OperationalError, sqlite_error(sqlite3.SQLITE_ERROR)),
    "a value": of_database(exc.DataError, psycopg.errors.NumericValueOutOfRange()),
    "a use": exc.InvalidRequestError(),
    "a path of the store": store.InvalidPathError("//"),
    "a file": FileNotFoundError(errno.ENOENT, "missing"),
    "a key": KeyError("x"),
}


@pytest.mark.parametrize("error", AWAY.values(), ids=AWAY.keys())
def test_what_is_away_is_503_and_says_when_to_come_again(error: Exception) -> None:
    problem = problem_of(error, OUTAGES, SCOPE)
    assert (problem.status, problem.kind) == (503, "unavailable")
    assert int(problem.headers["Retry-After"]) > 0


@pytest.mark.parametrize("error", OUR_FAULT.values(), ids=OUR_FAULT.keys())
def test_a_fault_of_the_services_own_is_never_called_an_outage(error: Exception) -> None:
    assert problem_of(error, OUTAGES, SCOPE).status == 500


def test_the_log_has_the_cause_of_an_outage_and_the_place_of_a_broken_connection() -> None:
    with capture_logs() as lines:
        for name in ("SQLite is full", "a time-out"):
            problem_of(AWAY[name], OUTAGES, SCOPE)
    database, connection = lines
    assert (database["log_level"], database["cause"]) == (
        "info",
        "OperationalError: said by SQLite",
    )
    assert connection["log_level"] == "warning"
    assert connection["exc_info"] is AWAY["a time-out"]
