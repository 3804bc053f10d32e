"""What tests stand on: real servers, real processes, and waiting without sleeping and hoping."""

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
