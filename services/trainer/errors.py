"""The trainer's own problems.

Conflict
├── RunActive                 ├── NotCertified
├── CertificationOpen         └── NothingToRollBackTo
"""

from shared.problems import Conflict


class RunActive(Conflict):
    """One run at a time a project."""

    kind, title = "run-active", "A run is active"


class CertificationOpen(Conflict):
    """No run starts while a certification waits for verdicts."""

    kind, title = "certification-open", "A certification is open"


class NotCertified(Conflict):
    """A certified champion is replaced only by a certified version."""

    kind, title = "not-certified", "The version is not certified"


class NothingToRollBackTo(Conflict):
    """There is no previous champion."""

    kind, title = "nothing-to-roll-back-to", "No previous version"
