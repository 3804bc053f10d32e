"""Log calls never raise: what cannot be written is dropped, counted, and told by readiness."""

import os
import subprocess
import sys
from pathlib import Path

import orjson
import pytest
from sqlalchemy.exc import OperationalError

from shared.logs import cause_of

# A process of its own: it configures logging for good. It ends with 0 if nothing raised.
_TALKS = """
import asyncio, logging, os, structlog
from shared.logs import check_log, configure_logging
from shared.telemetry import LOG_LINES_DROPPED

class Nasty:
    def __repr__(self):
        raise ValueError("no")

def dropped():
    return LOG_LINES_DROPPED._value.get()

configure_logging("test")
log = structlog.get_logger()
{body}
"""


def talk(body: str, stderr: int) -> "subprocess.CompletedProcess[bytes]":
    return subprocess.run(
        [sys.executable, "-c", _TALKS.format(body=body)],
        stdout=subprocess.PIPE,
        stderr=stderr,
        check=False,
        timeout=60,
    )


def test_a_full_device_drops_lines_and_raises_nothing() -> None:
    body = """
try:
    raise KeyError("cause")
except KeyError:
    log.exception("failed")
log.info("said", value=1)
logging.getLogger("library").error("a %s", "line")
logging.getLogger("library").error("a %d", "line")
assert dropped() == 4, dropped()
print(asyncio.run(check_log()))
"""
    full = os.open("/dev/full", os.O_WRONLY)
    try:
        ended = talk(body, full)
    finally:
        os.close(full)
    assert ended.returncode == 0
    assert b"lines are dropped: OSError: [Errno 28] No space left on device" in ended.stdout


def test_a_line_that_cannot_be_made_is_dropped(tmp_path: Path) -> None:
    body = """
log.info("said", value=Nasty())
log.info("said", value="\\udc80")
assert dropped() == 1, dropped()
"""
    with (tmp_path / "log").open("wb") as file:
        ended = talk(body, file.fileno())
    assert ended.returncode == 0
    assert b'"said"' in (tmp_path / "log").read_bytes()


def test_a_line_after_a_torn_one_begins_anew_and_says_how_many_were_dropped(
    tmp_path: Path,
) -> None:
    # A limit on the size of files is a disk that fills up in the middle of a line.
    body = """
import resource, signal
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
unlimited = resource.getrlimit(resource.RLIMIT_FSIZE)
resource.setrlimit(resource.RLIMIT_FSIZE, (300, unlimited[1]))
for number in range(10):
    log.info("said", number=number)
assert asyncio.run(check_log())
resource.setrlimit(resource.RLIMIT_FSIZE, unlimited)
assert asyncio.run(check_log()) == {}
log.info("said_again")
"""
    path = tmp_path / "log"
    with path.open("ab") as file:
        ended = talk(body, file.fileno())
    assert ended.returncode == 0, path.read_text()
    *whole, told, last = path.read_bytes().splitlines()
    assert [orjson.loads(line)["number"] for line in whole[:-1]] == list(range(len(whole) - 1))
    with pytest.raises(orjson.JSONDecodeError):
        orjson.loads(whole[-1])
    assert orjson.loads(told)["event"] == "log_lines_dropped"
    assert orjson.loads(told)["count"] >= 5
    assert orjson.loads(last)["event"] == "said_again"


def test_a_cause_names_what_the_database_said_and_no_parameters() -> None:
    inner = ValueError("database or disk is full\nDETAIL: the row")
    error = OperationalError("INSERT", {"data": "private"}, inner)
    assert cause_of(error) == "ValueError: database or disk is full"
    assert cause_of(KeyError()) == "KeyError"
