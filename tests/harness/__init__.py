"""What tests stand on: real servers, real processes, and waiting without sleeping and hoping."""

from tests.harness.processes import ServiceProcess, free_port, spawn
from tests.harness.serving import client, serve
from tests.harness.waiting import wait_until

__all__ = ["ServiceProcess", "client", "free_port", "serve", "spawn", "wait_until"]
