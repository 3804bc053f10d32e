"""Errors as one sentence and an exit status.

Exit statuses: 0 done; 1 done, but something needs a look (rejected rows, a failed check, a refused
question); 2 the call is wrong; 3 a service refused; 4 a service is away; 5 not signed in, or not
allowed; 130 interrupted.
"""

from surehand.cli.text import line_of
from surehand.errors import (
    ConfigurationError,
    Forbidden,
    ProblemError,
    SurehandError,
    Unauthorized,
    Unavailable,
)

LOOK, WRONG_CALL, REFUSED, AWAY, NOT_ALLOWED, INTERRUPTED = 1, 2, 3, 4, 5, 130
_FAULTS_SHOWN = 5


class UserError(Exception):
    """A mistake of the user's, in one sentence that says what to do."""

    def __init__(self, sentence: str, status: int = WRONG_CALL) -> None:
        super().__init__(sentence)
        self.status = status


def status_of(error: Exception) -> int:
    """Return the exit status of an error."""
    if isinstance(error, UserError):
        return error.status
    if isinstance(error, Unavailable):
        return AWAY
    if isinstance(error, Unauthorized | Forbidden):
        return NOT_ALLOWED
    if isinstance(error, ConfigurationError | OSError):
        return WRONG_CALL
    return REFUSED


def sentence_of(error: Exception) -> str:
    """Return what went wrong on one line, and what to do."""
    if isinstance(error, Unauthorized):
        return line_of(f"{_problem(error)} Run `surehand login`.", 1000)
    if isinstance(error, ProblemError):
        return line_of(_problem(error), 2000)
    if isinstance(error, Unavailable):
        return line_of(f"{error} `surehand doctor` checks all services.", 1000)
    if isinstance(error, OSError) and error.filename:
        return line_of(f"{error.filename}: {error.strerror}.", 1000)
    return line_of(error, 1000)


def _problem(error: ProblemError) -> str:
    faults = [fault for fault in error.errors if isinstance(fault, dict)]
    said = [f"{fault.get('pointer')}: {fault.get('detail')}." for fault in faults[:_FAULTS_SHOWN]]
    # `detail` repeats the first fault.
    detail = "" if said or not error.detail else error.detail
    return " ".join([f"{error.title.rstrip('.')}.", detail, *said]).strip()


EXPECTED = (SurehandError, UserError, OSError)
