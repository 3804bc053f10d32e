"""What tests stand on: real servers, real processes, clocks, and waiting for conditions.

- `servers`, `databases`, `disks`, `processes`, `backups`: Redis, PostgreSQL, tables copied from a
  migrated template, disks that fill up, services as child processes.
- `desk`, `people`: a served review queue and its reviewers. `shared_queue`: one that many tests
  share, in a `side_loop`. `scripted_queue` answers the router, and `stand_in_queue` the trainer, as
  no healthy queue would.
- `model_publisher`: versions and promises in the store, for the router.
- `served_trainer` over HTTP, `trainer_parts` without its application, `trainer_and_queue` together.
- `installation`: all services, as `make run` starts them. `browser`: a real Chromium.
  `chart_bundle`: the script of charts, made once.
- `clock`, `waiting`, `serving`, `settings`: time, conditions, HTTP in the test's own event loop,
  settings that all services have. `cases`: parameters that only `make test-thorough` runs.
"""

from tests.harness.processes import ServiceProcess, free_port, is_alive, spawn
from tests.harness.serving import client, serve, wait_until_ready
from tests.harness.waiting import wait_until

__all__ = [
    "ServiceProcess",
    "client",
    "free_port",
    "is_alive",
    "serve",
    "spawn",
    "wait_until",
    "wait_until_ready",
]
